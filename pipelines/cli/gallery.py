"""`ganlib gallery`: a page on loopback to walk through a generator, or through two beside each other."""

from typing import Annotated

import typer

WAYS = "A version, an alias, NAME/3, NAME@champion, runs:/ID, or the folder of a generator."


def gallery(
    model: Annotated[str, typer.Argument(help=WAYS)],
    other: Annotated[str | None, typer.Argument(help="Another one, to be seen beside it and voted on blind.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1.")] = 7860,
) -> None:
    """Walk through a generator in the browser: samples, ways between them, nearest training pictures, blind votes."""
    from ganlib.device import choose
    from pipelines import loopback, params
    from pipelines.gallery import serving
    from pipelines.gallery.reference import Opening
    from pipelines.gallery.studio import open_studio

    listener = loopback.listening(port, "ganlib gallery MODEL --port ")
    with listener:
        settings = params.load()
        device = choose(settings.device)
        studio = open_studio([model] if other is None else [model, other], settings, device)
        reference = Opening(settings, [drawer.named for drawer in studio.drawers.values()], device)
        serving.serve(listener, studio, reference)
