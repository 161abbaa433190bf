"""Who may ask: pages of this very server. Another name for it, another site behind the browser, gets no answer.

A site that lets its own name lead to 127.0.0.1 (DNS rebinding) is known by the Host header, one that asks across by
Origin and Sec-Fetch-Site, which a browser sets and no page can change.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every answer; the policies are those of answers that have none of their own."""


class Guard:
    """The app behind it hears of no request that is refused."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = frozenset(f"{name}:{port}" for name in ("127.0.0.1", "localhost"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http":
            return  # no other kind of connection is accepted

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        reason = self.refusal(Headers(scope=scope), scope["method"], scope["path"])
        answer = self.app if reason is None else JSONResponse({"error": reason}, status_code=403)
        await answer(scope, receive, sent)

    def refusal(self, headers: Headers, method: str, path: str) -> str | None:
        """Why the request is refused; None where it is not."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            return "The Host header names another server than this one; open the address that the terminal shows."
        own = [f"http://{hosts[0].lower()}"]
        if origins != own and (origins or method not in ("GET", "HEAD")):
            named = "names another site than this one" if origins else "is missing"
            return f"The Origin header {named}; only this server's own page may ask."
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and path != "/":
            return "Another site asks; only the page of this server may."
        return None
