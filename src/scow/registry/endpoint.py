"""One repository's way to its registry: the origin, the authorization, and the judgement of answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

import msgspec

from scow.errors import Denied, Invalid, ScowError
from scow.oci.documents import DOCUMENT_LIMIT
from scow.registry.auth import Authorizer, Scopes, login_hint
from scow.registry.protocol import Answer, Request, next_page
from scow.registry.refusal import refusal
from scow.registry.transport import Body, Call, Response, Transport

#: Challenges answered for one request: none is known yet, then a token that has just expired or is too narrow.
_CHALLENGES = 2
_PAGES = 10_000
_OK = frozenset({200})


class Asked(msgspec.Struct, frozen=True):
    """What was asked for, and by class of error the words that tell it, said before the registry's own."""

    subject: str
    contexts: Mapping[type[ScowError], str]


class Endpoint:
    """Sends requests of one repository at ``origin`` (``https://host[:port]``). Thread safe."""

    def __init__(self, host: str, origin: str, transport: Transport, authorizer: Authorizer) -> None:
        self.host = host
        self.origin = origin
        self.transport = transport
        self._authorizer = authorizer

    def url(self, target: str) -> str:
        """The URL of a path of the API."""
        return urljoin(self.origin, target)

    def send(
        self,
        request: Request,
        scopes: Scopes = (),
        *,
        body: Body | None = None,
        length: int = 0,
        retry: bool = True,
    ) -> Response:
        """The answer on the wire, authorized where that was asked for; its status is the caller's to judge.

        ``body`` makes ``length`` bytes, anew for every try.
        """
        if request.body is not None:
            content = request.body
            body, length = (lambda: (content,)), len(content)
        call = Call(request.method, self.url(request.target), request.headers, body, length)
        own = self._is_own(call.url)
        for left in range(_CHALLENGES, -1, -1):
            authorization = self._authorizer.header(scopes) if own else None
            response = self.transport.send(_authorized(call, authorization), retry=retry)
            if response.status != 401 or not left or not self._is_own(response.url):
                break
            if not self._authorizer.challenged(response.headers.get("www-authenticate", ""), scopes, authorization):
                break
            response.excerpt()
        return response

    def ask(
        self,
        request: Request,
        scopes: Scopes,
        *,
        expected: Collection[int] = _OK,
        asked: Asked | None = None,
    ) -> Answer:
        """The whole answer, a document at most. Raises what any status but the ``expected`` ones stands for."""

        def attempt() -> Answer:  # a body that breaks off is asked for again, too
            response = self.send(request, scopes, retry=False)
            if response.status not in expected:
                raise self.refused(response, asked)
            return response.answer(DOCUMENT_LIMIT)

        return self.transport.patiently(attempt)

    def pages(self, request: Request, scopes: Scopes, asked: Asked) -> Iterator[Answer]:
        """As :meth:`ask`, and what is listed on the pages after that (distribution-spec, "Content Discovery")."""
        following: Request | None = request
        seen: set[str] = set()
        while following is not None:
            if following.target in seen or len(seen) == _PAGES:
                raise Invalid("the registry's list leads back to itself, or has no end", subject=asked.subject)
            seen.add(following.target)
            answer = self.ask(following, scopes, asked=asked)
            yield answer
            following = next_page(answer, self.url(following.target))
            following = following and msgspec.structs.replace(following, headers=request.headers)

    def refused(self, response: Response, asked: Asked | None = None) -> ScowError:
        """The error that ``response`` stands for; reads and closes it."""
        answer = response.excerpt()
        asked = asked or Asked(urlsplit(response.url).netloc, {})
        error = refusal(answer, subject=asked.subject)
        if context := next((words for kind, words in asked.contexts.items() if isinstance(error, kind)), ""):
            error = refusal(answer, subject=asked.subject, context=context)
        if isinstance(error, Denied):
            error.hint = ", ".join(part for part in (login_hint(self.host), self._authorizer.trouble) if part)
        return error

    def _is_own(self, url: str) -> bool:
        known, told = urlsplit(self.origin), urlsplit(url)
        return (known.scheme, known.netloc) == (told.scheme, told.netloc)


def _authorized(call: Call, authorization: str | None) -> Call:
    if authorization is None:
        return call
    return msgspec.structs.replace(call, headers={**call.headers, "Authorization": authorization})
