"""Whether Prefect's server answers where it is said to be. Without Prefect itself, whose import takes seconds."""

import os
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ANSWER_SECONDS = 5.0


def why_no_answer(address: str) -> tuple[str, str] | None:
    """What is wrong with Prefect's server there, and the way out; None where it is well."""
    if not address.startswith(("http://", "https://")):
        return "is no http address", "Correct or unset PREFECT_API_URL."
    try:
        urlopen(Request(f"{address.rstrip('/')}/health"), timeout=ANSWER_SECONDS).close()  # noqa: S310 - see above
    except HTTPError as answer:
        if answer.code not in (401, 403):
            return f"answers with {answer.code}", "See the server's log; is the address the one that ends in /api?"
        if not os.environ.get("PREFECT_API_AUTH_STRING"):
            return "asks for a password", "Set PREFECT_API_AUTH_STRING to user:password."
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"does not answer ({reason})", "Start it (prefect server start), or unset PREFECT_API_URL."
    return None
