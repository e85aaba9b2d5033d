"""Operations that change nothing: neither the apps nor the journal."""
