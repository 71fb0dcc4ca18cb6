"""Build the pages' static files from the NHS design's package into ``ringfence/web/static/ringfence``.

Standard library only: it runs during set-up and while a wheel is built.
"""

import re
import shutil
import sys
from pathlib import Path

FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")

ADDRESS = re.compile(r"url\((['\"]?)/assets/")


def local(css: str) -> str:
    """The stylesheet without its web fonts, which come from an outside host; its pictures from the folder beside it."""
    return ADDRESS.sub(r"url(\1assets/", FONT_FACE.sub("", css))


def build(package: Path, target: Path) -> None:
    """Copy what pages use of ``nhsuk-frontend`` (the unpacked npm package) to ``target``, whole or not at all."""
    source = package / "dist" / "nhsuk"
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source / "assets", draft / "assets")
    css = local((source / "nhsuk-frontend.min.css").read_text(encoding="utf-8"))
    if re.search(r"url\(['\"]?(https?:)?//", css):
        raise SystemExit("The stylesheet of nhsuk-frontend still names an outside host; see ringfence/cli/assets.py.")
    (draft / "nhsuk-frontend.min.css").write_text(_without_map(css), encoding="utf-8")
    script = (source / "nhsuk-frontend.min.js").read_text(encoding="utf-8")
    (draft / "nhsuk-frontend.min.js").write_text(_without_map(script), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


def _without_map(text: str) -> str:
    return re.sub(r"(/\*|//)# sourceMappingURL=\S+( \*/|\*/)?\s*$", "", text.rstrip())


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]))
