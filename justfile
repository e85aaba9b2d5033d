# The few commands of a checkout; CONTRIBUTING.md explains them. Without `just`, type what stands here.

# list the commands
default:
    @just --list

# make the environment
install:
    python3 -m venv .venv && .venv/bin/pip install -q -c constraints.txt -e '.[flows,dev]'

# format, and correct what can be corrected
fmt:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .

# check format, style, types and import rules
lint:
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .
    .venv/bin/mypy
    .venv/bin/lint-imports

# run the fast tests, or those that are named
test *tests:
    .venv/bin/pytest -q -n auto {{tests}}

# run all that must hold before a change lands: under 45 minutes on two cores
test-all:
    .ci/run

# write the generated parts of the reference anew
docs:
    .venv/bin/python -m tests.docs.generated

# measure against the bare copy of the same rows
bench:
    .venv/bin/python -m benchmarks
