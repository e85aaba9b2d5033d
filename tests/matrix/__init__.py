"""The matrix of column types: every type of every database against every other."""
