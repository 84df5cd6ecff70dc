"""The service: all operations, synchronous, in memory, without HTTP."""
