"""The base of all errors, and those of wrong settings and arguments."""


def _revive(
    cls: type["SageMakerPlansError"], args: tuple[object, ...], state: dict[str, object]
) -> "SageMakerPlansError":
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class SageMakerPlansError(Exception):
    """The base class of all errors of this package.

    Args:
        message: What happened and what can be done about it.
        operation: The AWS operation, such as ``"ExtendTrainingPlan"``.
    """

    operation: str | None
    """The AWS operation; None if the error does not belong to an operation."""

    next_token: str | None
    """If a pager raised the error: the token of the page that could not be read. A new pager
    can start there. None stands for the first page."""

    def __init__(self, message: str, *, operation: str | None = None) -> None:
        super().__init__(message)
        self.operation = operation
        self.next_token = None

    def __reduce__(self) -> tuple[object, ...]:
        state = self.__dict__.copy()
        if notes := state.get("__notes__"):
            # A copy gets a list of its own.
            state["__notes__"] = [*notes]
        return _revive, (type(self), self.args, state)


class ConfigurationError(SageMakerPlansError, ValueError):
    """The client cannot work with its settings: no region, no credentials, a bad policy.

    Nothing was sent.
    """


class InvalidRequestError(SageMakerPlansError, ValueError):
    """The request breaks a documented rule of the service and was not sent.

    Args:
        subject: What was checked, such as ``"StageSpec"``.
        problems: Each problem, with the argument, its value and what is allowed.
        operation: The AWS operation.
    """

    problems: tuple[str, ...]
    """Each problem, with the argument, its value and what is allowed."""

    def __init__(
        self, subject: str, problems: tuple[str, ...], *, operation: str | None = None
    ) -> None:
        if len(problems) == 1:
            message = f"{subject}: {problems[0]}"
        else:
            lines = "".join(f"\n  - {problem}" for problem in problems)
            message = f"{subject}: {len(problems)} problems:{lines}"
        super().__init__(message, operation=operation)
        self.problems = problems
