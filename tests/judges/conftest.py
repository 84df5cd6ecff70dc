"""Judges that need another botocore than ours; `nox -s judges` gives them an environment.

Without one there is nothing to collect here: a test that is always skipped proves nothing.
"""

from judges.foreign_clients import INTERPRETER

collect_ignore_glob = [] if INTERPRETER else ["test_*.py"]
