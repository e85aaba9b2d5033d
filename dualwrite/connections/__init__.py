"""The one place that makes connections to servers, with every option of their URLs.

Apps, journal, sandbox and the quick commands all connect here, so that what the URL says (TLS,
sockets, time-outs) and what we add to it hold for each of them alike.
"""
