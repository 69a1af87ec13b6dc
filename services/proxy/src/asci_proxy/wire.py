"""One connection to Redis for all that set-ups ask: what is asked in one turn of the loop goes out in one write.

A client with a pool, a lock and a stream for each question costs more than the question. Here a question is a line of
packed commands and a future; Redis answers in the order of asking, so that is all there is to keep.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

Command = tuple[str | bytes | int | float, ...]
"""A command and its arguments."""


class WireLost(Exception):
    """Redis closed the connection, took too long, or said no. The text is for the log and holds no secret."""


class Wire:
    """Asks one Redis over one connection, made when it is needed and made again when it was lost."""

    def __init__(self, url: str, password: str | None, seconds: float) -> None:
        self._where: dict[str, Any] = dict(parse_url(url))
        self._password, self._seconds = password or self._where.get("password"), seconds
        self._line: _Line | None = None
        self._opening: asyncio.Task[_Line] | None = None

    async def ask(self, *commands: Command) -> list[Any]:
        """The answers, one each. Raises WireLost after ``seconds`` without them, or when Redis refused one of them.

        A line that Redis closed meanwhile is replaced once, without a word; what was asked on it is asked again then.
        """
        if not commands:
            return []
        packed = b"".join([_packed(command) for command in commands])
        known = self._line
        try:
            line = known if known is not None and known.lives else await self._opened()
            answers = await line.ask(packed, len(commands))
        except _Closed:
            answers = await (await self._opened()).ask(packed, len(commands))
        for answer in answers:
            if isinstance(answer, hiredis.ReplyError):
                raise WireLost(str(answer))
        return answers

    async def close(self) -> None:
        """End it. It would be made again for a later question."""
        if self._opening is not None:
            self._opening.cancel()
        if self._line is not None:
            self._line.end("closed")

    async def _opened(self) -> _Line:
        """The line, made once for all that wait for it."""
        if self._line is not None and self._line.lives:
            return self._line
        if self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add_done_callback(self._was_opened)
        return await asyncio.shield(self._opening)

    def _was_opened(self, opening: asyncio.Task[_Line]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._line = opening.result()

    async def _open(self) -> _Line:
        try:
            async with asyncio.timeout(self._seconds):
                line = await self._connect()
                for command in self._introduction():
                    (answer,) = await line.ask(_packed(command), 1)
                    if isinstance(answer, hiredis.ReplyError):
                        line.end("refused")
                        raise WireLost(str(answer))
        except (OSError, TimeoutError, _Closed) as error:
            raise WireLost(f"{type(error).__name__}: {error}") from error
        return line

    async def _connect(self) -> _Line:
        loop, where = asyncio.get_running_loop(), self._where
        if "path" in where:
            _, line = await loop.create_unix_connection(lambda: _Line(self._seconds), where["path"])
            return line
        encrypted = ssl.create_default_context() if where.get("connection_class") is SSLConnection else None
        host, port = where.get("host", "localhost"), where.get("port", 6379)
        _, line = await loop.create_connection(lambda: _Line(self._seconds), host, port, ssl=encrypted)
        return line

    def _introduction(self) -> list[Command]:
        username, password = self._where.get("username"), self._password
        words: list[Command] = []
        if password:
            words.append(("AUTH", username, password) if username else ("AUTH", password))
        if self._where.get("db"):
            words.append(("SELECT", self._where["db"]))
        return words


def _packed(command: Command) -> bytes:
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]  # its stub says: a tuple of one
    return packed


class _Closed(Exception):
    """The line ended before the answer; whether Redis did what was asked is not known."""


class _Question:
    __slots__ = ("answers", "count", "future", "since")

    def __init__(self, future: asyncio.Future[list[Any]], count: int, since: float) -> None:
        self.future, self.count, self.since = future, count, since
        self.answers: list[Any] = []


class _Line(asyncio.Protocol):
    def __init__(self, seconds: float) -> None:
        self._seconds, self._loop = seconds, asyncio.get_running_loop()
        self._reader = hiredis.Reader()
        self._unsent: list[bytes] = []
        self._open: deque[_Question] = deque()
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.lives = True

    async def ask(self, packed: bytes, count: int) -> list[Any]:
        """The answers. Raises _Closed, WireLost."""
        if not self.lives:
            raise _Closed("the line is closed")
        question = _Question(self._loop.create_future(), count, self._loop.time())
        self._open.append(question)
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look_at_the_clock)
        return await question.future

    def end(self, why: str) -> None:
        """Close it at once; what waits fails."""
        self._fail(_Closed(why))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        reader, waiting = self._reader, self._open
        try:
            reader.feed(data)
            while waiting and (answer := reader.gets()) is not False:
                question = waiting[0]
                question.answers.append(answer)
                if len(question.answers) == question.count:
                    waiting.popleft()
                    if not question.future.done():
                        question.future.set_result(question.answers)
        except hiredis.ProtocolError as error:
            self._fail(WireLost(f"not Redis: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._fail(_Closed(str(exc) if exc else "Redis closed the connection"))

    def _flush(self) -> None:
        packed, self._unsent = b"".join(self._unsent), []
        if self._transport is not None and self.lives:
            self._transport.write(packed)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        if not self._open:
            return
        left = self._open[0].since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look_at_the_clock)
        else:
            self._fail(WireLost(f"no answer within {self._seconds:g} s"))

    def _fail(self, error: Exception) -> None:
        self.lives = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        while self._open:
            question = self._open.popleft()
            if not question.future.done():
                question.future.set_exception(error)
