"""Pages of anything: followed one by one, each asked for when it is needed.

Knows no AWS: a page is what a function brings for a token.
"""

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Final, Generic, NamedTuple, Self, TypeVar

from sagemaker_plans.errors import PaginationError, SageMakerPlansError

ItemT = TypeVar("ItemT")
PageT = TypeVar("PageT")

_MAX_EMPTY_PAGES: Final = 1_000


class Fetched(NamedTuple, Generic[ItemT, PageT]):
    """A page as it was fetched."""

    page: PageT
    """The page as users see it."""
    items: tuple[ItemT, ...]
    """What is on it."""
    next_token: str | None
    """What the next page is asked with; None on the last page."""


Fetch = Callable[[str | None], Awaitable[Fetched[ItemT, PageT]]]
"""Brings the page of a token (None: the first)."""


class _Walk(Generic[ItemT, PageT]):
    """One walk from page to page."""

    def __init__(self, fetch: Fetch[ItemT, PageT], start_token: str | None, operation: str) -> None:
        self._fetch = fetch
        self._token = start_token
        self._seen = {start_token}
        self._operation = operation
        self._empty_pages = 0
        self._finished = False

    async def next(self) -> Fetched[ItemT, PageT]:
        if self._finished:
            raise StopAsyncIteration
        try:
            fetched = await self._fetch(self._token)
        except SageMakerPlansError as error:
            error.next_token = self._token
            raise
        self._empty_pages = 0 if fetched.items else self._empty_pages + 1
        if fetched.next_token is None:
            self._finished = True
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


class _PageIterator(Generic[ItemT, PageT]):
    def __init__(self, walk: _Walk[ItemT, PageT]) -> None:
        self._walk = walk

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> PageT:
        return (await self._walk.next()).page


class _ItemIterator(Generic[ItemT, PageT]):
    def __init__(self, walk: _Walk[ItemT, PageT]) -> None:
        self._walk = walk
        self._waiting: list[ItemT] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ItemT:
        while not self._waiting:
            self._waiting = [*reversed((await self._walk.next()).items)]
        return self._waiting.pop()


class _Pages(Generic[ItemT, PageT]):
    def __init__(self, begin: Callable[[], _Walk[ItemT, PageT]]) -> None:
        self._begin = begin

    def __aiter__(self) -> AsyncIterator[PageT]:
        return _PageIterator(self._begin())


class Pager(Generic[ItemT, PageT]):
    """Items that come in pages. Each ``async for`` over it begins anew.

    Any error on the way carries ``next_token``, from which a new pager can go on.
    """

    def __init__(
        self, fetch: Fetch[ItemT, PageT], *, start_token: str | None, operation: str
    ) -> None:
        self._fetch = fetch
        self._start_token = start_token
        self._operation = operation

    def _begin(self) -> _Walk[ItemT, PageT]:
        return _Walk(self._fetch, self._start_token, self._operation)

    def __aiter__(self) -> AsyncIterator[ItemT]:
        return _ItemIterator(self._begin())

    def pages(self) -> AsyncIterable[PageT]:
        """Give the pages themselves, empty ones included.

        Returns:
            An iterable for ``async for``; each iteration begins anew.

        Raises:
            PaginationError: While iterating, if a page token comes for the second time.
            SageMakerPlansError: While iterating, whatever reading a page raises.
        """
        return _Pages(self._begin)

    async def collect(self) -> tuple[ItemT, ...]:
        """Read all pages.

        Returns:
            All items, in the service's order.

        Raises:
            PaginationError: If a page token comes for the second time.
            SageMakerPlansError: Whatever reading a page raises.
        """
        return tuple([item async for item in self])
