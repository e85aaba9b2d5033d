"""`python -m dualwrite`: the command line."""

from dualwrite.cli.main import app

app()
