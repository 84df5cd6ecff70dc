"""Judges that need another botocore than ours; `nox -s judges` gives each an environment.

Without any there is nothing to collect here: tests that are always skipped prove nothing. The
session says which environment could not be installed, and the tests of that judge are skipped.
"""

from judges.foreign_clients import BOTO3, INTERPRETER, NODE, SAGEMAKER_CORE

_ANY = (BOTO3, INTERPRETER, NODE, SAGEMAKER_CORE)
collect_ignore_glob = [] if any(_ANY) else ["test_*.py"]
