"""Reads the pages of a list, each one when it is needed.

Nothing here is specific to AWS: a function fetches the page that belongs to a token.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from typing import Final, Generic, NamedTuple, Self, TypeVar

from sagemaker_plans._engine.not_copied import NotCopied
from sagemaker_plans.errors import PaginationError, SageMakerPlansError
from sagemaker_plans.models._validation import page_token, whole_number

ItemT = TypeVar("ItemT")
PageT = TypeVar("PageT")

_MAX_EMPTY_PAGES: Final = 1_000


def pager_problems(
    page_size: int | None, start_token: str | None, *, max_page_size: int
) -> Iterator[str]:
    """Check the arguments that every pager takes.

    Args:
        page_size: How many items a page has at most; None for the service's default.
        start_token: The token of the page to start at; None for the first page.
        max_page_size: The largest page that the service allows.

    Yields:
        Each problem.
    """
    if page_size is not None:
        yield from whole_number("page_size", page_size, 1, max_page_size)
    if start_token is not None:
        yield from page_token("start_token", start_token)


class Fetched(NamedTuple, Generic[ItemT, PageT]):
    """One page that was fetched."""

    page: PageT
    """The page as users see it."""
    items: tuple[ItemT, ...]
    """The items on the page."""
    next_token: str | None
    """The token of the next page; None on the last page."""


Fetch = Callable[[str | None], Awaitable[Fetched[ItemT, PageT]]]
"""Fetches the page of a token. None stands for the first page."""


class _Cursor(Generic[ItemT, PageT]):
    """The position of one iteration over the pages."""

    def __init__(self, fetch: Fetch[ItemT, PageT], start_token: str | None, operation: str) -> None:
        self._fetch = fetch
        self._token = start_token
        self._seen = {start_token}
        self._operation = operation
        self._empty_pages = 0
        self.is_finished = False

    async def next(self) -> Fetched[ItemT, PageT]:
        if self.is_finished:
            raise StopAsyncIteration
        try:
            fetched = await self._fetch(self._token)
        except SageMakerPlansError as error:
            error.next_token = self._token
            raise
        self._empty_pages = 0 if fetched.items else self._empty_pages + 1
        if fetched.next_token is None:
            self.is_finished = True
        else:
            self._advance(fetched.next_token)
        return fetched

    def _advance(self, token: str) -> None:
        problem = None
        if token in self._seen:
            problem = "the service gave a page token for the second time"
        elif self._empty_pages >= _MAX_EMPTY_PAGES:
            problem = f"the service gave {_MAX_EMPTY_PAGES:,} empty pages in a row"
        if problem:
            error = PaginationError(
                f"{self._operation}: {problem}; its pages do not come to an end",
                operation=self._operation,
            )
            error.next_token = token
            raise error
        self._seen.add(token)
        self._token = token


async def read_pages(fetch: Fetch[ItemT, PageT], operation: str) -> list[PageT]:
    """Read all pages, from the first on.

    Args:
        fetch: Fetches the page of a token.
        operation: The name of the operation, for errors.

    Returns:
        The pages, at least one.

    Raises:
        PaginationError: If a page token comes for the second time, or 1,000 pages in a row
            are empty.
        SageMakerPlansError: Whatever ``fetch`` raises.
    """
    cursor = _Cursor(fetch, None, operation)
    pages: list[PageT] = []
    while not cursor.is_finished:
        pages.append((await cursor.next()).page)
    return pages


class _PageIterator(Generic[ItemT, PageT]):
    def __init__(self, cursor: _Cursor[ItemT, PageT]) -> None:
        self._cursor = cursor

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PageT:
        return (await self._cursor.next()).page


class _ItemIterator(Generic[ItemT, PageT]):
    def __init__(self, cursor: _Cursor[ItemT, PageT]) -> None:
        self._cursor = cursor
        self._buffer: list[ItemT] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        while not self._buffer:
            self._buffer = [*reversed((await self._cursor.next()).items)]
        return self._buffer.pop()


class _Pages(Generic[ItemT, PageT]):
    def __init__(self, new_cursor: Callable[[], _Cursor[ItemT, PageT]]) -> None:
        self._new_cursor = new_cursor

    def __aiter__(self) -> AsyncIterator[PageT]:
        return _PageIterator(self._new_cursor())


class Pager(NotCopied, Generic[ItemT, PageT]):
    """Items that come in pages. Each ``async for`` over it starts again.

    An error that reading a page raises has ``next_token``. A new pager can start there.
    """

    def __init__(
        self,
        fetch: Fetch[ItemT, PageT],
        *,
        start_token: str | None,
        operation: str,
        subject: str = "",
    ) -> None:
        self._fetch = fetch
        self._start_token = start_token
        self._operation = operation
        self._subject = subject

    def __repr__(self) -> str:
        subject = f" of {self._subject}" if self._subject else ""
        return (
            f"<{type(self).__name__}: the pages of {self._operation}{subject}; read them with "
            "async for, pages() or collect()>"
        )

    def _new_cursor(self) -> _Cursor[ItemT, PageT]:
        return _Cursor(self._fetch, self._start_token, self._operation)

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return _ItemIterator(self._new_cursor())

    def pages(self) -> AsyncIterable[PageT]:
        """Iterate over whole pages, including empty ones.

        For example::

            async for page in client.plans.stages("spring-rollout").pages():
                print(len(page.stages), page.next_token)

        Returns:
            An iterable for ``async for``. Each iteration starts again.

        Raises:
            PaginationError: While iterating, if a page token comes for the second time, or
                1,000 pages in a row are empty.
            SageMakerPlansError: While iterating, whatever reading a page raises.
        """
        return _Pages(self._new_cursor)

    async def collect(self) -> tuple[ItemT, ...]:
        """Read all pages.

        For example::

            stages = await client.plans.stages("spring-rollout").collect()

        Returns:
            All items, in the service's order.

        Raises:
            PaginationError: If a page token comes for the second time, or 1,000 pages in a
                row are empty.
            SageMakerPlansError: Whatever reading a page raises.
        """
        return tuple([item async for item in self])
