"""The one exception that people are meant to read."""


class UserError(ValueError):
    """A mistake that a person can mend: its message is a whole sentence that says where, what and the way out.

    Programs show the message alone and exit with code 2; any other exception is a bug and keeps its traceback.
    """


class PeerLost(UserError):  # noqa: N818 - to the survivor it is no error of its own
    """Another process of the same training ended or fell silent; why, only that one can say."""


def unreadable(place: object, error: OSError) -> UserError:
    """What is raised for a file or folder that the system does not let us read."""
    return UserError(f"{place} cannot be read: {error.strerror or error}.")
