"""Operations that change something: in an app, in the journal, or in the project folder."""
