"""One guarded door to flow launches for any app: HTTP in, a durable queue, the shared pace, callbacks out.

A launch is a row in an open-ended batch, so that runner, pace, tracker and reconcile are those of batches.
Importing this package does no work.
"""
