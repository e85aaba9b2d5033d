"""What a person or a program can ask for: one typed function, and one typed result, for each.

`queries` change nothing; `commands` do; `steps` are the pieces of a job for those who schedule
them one by one.  The command line, the web console and the REST API are faces of these
functions: they read arguments, call one operation, and render its result.

An operation takes an open `Session`, or the project folder where it has to work without one.
Its result is a frozen dataclass whose `as_dict()` is the JSON that every face returns.  It
raises the errors of `dualwrite.errors`, prints nothing, and reports long work through a
callback.
"""
