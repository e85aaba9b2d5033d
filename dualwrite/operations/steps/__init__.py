"""The pieces of a job, for those who run, retry and show them one by one.

A flow holds the lease of a map while other processes or machines carry its partitions.  What
travels between the steps is plain data; everything that must outlive a process is in the journal.
"""
