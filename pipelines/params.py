"""The only reader of params.yaml."""

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ganlib import settings
from ganlib.errors import UserError


def load(path: Path = Path("params.yaml"), *, called: str | None = None) -> settings.Settings:
    """The validated settings; UserError says what is wrong, where, and the way out.

    called: what messages call the file, where that is not its path.
    """
    where = called or str(path)
    try:
        # YAML 1.2, as DVC reads it: 2e-4 is a number and a repeated key an error.
        values = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise UserError(f"{path} is not in {Path.cwd()}; go to the project's folder.") from None
    except YAMLError as error:
        # ruamel.yaml goes on about how a repeated key could be put up with.
        reason = " ".join(str(error).split()).partition(" To suppress this")[0]
        raise UserError(f"{where} is not valid YAML: {reason.rstrip('.')}.") from None
    if not isinstance(values, dict):
        raise UserError(f"{where} must be a mapping of sections such as data, network and train.")
    return settings.parse(values, where=where)
