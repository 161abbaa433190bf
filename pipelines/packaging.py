"""What goes with a generator so that it draws without this project: its weights, its description, its source."""

import ast
import shutil
from collections.abc import Mapping
from pathlib import Path

from ganlib import files

from . import lineage, paths

SOURCE = Path("ganlib")
SERVED_BY = Path(__file__).parent / "serving" / "model.py"
CARRIED = ("generator.safetensors", "gan.json", lineage.LINEAGE)


def closure(network: str) -> list[Path]:
    """The files of ganlib that loading and sampling a generator of this network needs, relative to ganlib.

    Found by following the relative imports, so that a new one cannot be forgotten.
    """
    seen: set[Path] = set()
    waiting = [Path("__init__.py"), Path("bundle.py"), Path("sampling.py"), Path(f"networks/{network}.py")]
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting += _imported(file)
    return sorted(seen)


def _imported(file: Path) -> list[Path]:
    found: list[Path] = []
    for node in ast.walk(ast.parse((SOURCE / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            folder = file.parents[node.level - 1]
            base = folder.joinpath(*(node.module or "").split("."))
            # `from . import files` names a module, `from .files import sync` something inside one.
            candidates = [base, *(base / name.name for name in node.names)]
            for candidate in candidates:
                modules = (candidate.with_suffix(".py") if candidate.name else None, candidate / "__init__.py")
                found += [module for module in modules if module and (SOURCE / module).is_file()]
    return found


def code_digests(network: str) -> dict[str, str]:
    """sha256 of every source file that is carried along, and of the one that serves it."""
    digests = {f"code/ganlib/{file.as_posix()}": files.sha256_of(SOURCE / file) for file in closure(network)}
    return {**digests, "serving/model.py": files.sha256_of(SERVED_BY)}


def code_digest(network: str) -> str:
    """One digest for all of `code_digests`."""
    return lineage.digest_of(code_digests(network))


def package_digests(network: str) -> dict[str, str]:
    """What `pack` would return, without copying a file."""
    carried = {name: files.sha256_of(paths.GAN / name) for name in CARRIED}
    return carried | {name: digest for name, digest in code_digests(network).items() if name.startswith("code/")}


def package_digest(digests: Mapping[str, str]) -> str:
    """One digest for all files of a package."""
    return lineage.digest_of(dict(digests))


def digests_in(folder: Path) -> dict[str, str]:
    """sha256 of every file below the folder, by relative path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): files.sha256_of(path) for path in found}


def pack(folder: Path, network: str) -> dict[str, str]:
    """Copies weights, description, lineage and source into `folder`; returns the sha256 of each, by relative path."""
    for name in CARRIED:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(paths.GAN / name, folder / name)
    for file in closure(network):
        target = folder / "code" / "ganlib" / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(SOURCE / file, target)
    return digests_in(folder)
