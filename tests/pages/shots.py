"""Pictures of the gallery: ``python -m tests.pages.shots FOLDER [STATE ...]`` writes light, dark and phone for each."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.pages.browser import browsing, serving
from tests.pages.gallery_app import gallery_app, names

LOOKS = {
    "desktop-light": (1280, "light"), "desktop-dark": (1280, "dark"), "phone-light": (375, "light"), "phone-dark": (375, "dark"),
}  # fmt: skip


def main(
    folder: Path, wanted: list[str], languages: tuple[str, ...] = ("en",), looks: tuple[str, ...] = tuple(LOOKS)
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with serving(gallery_app()) as address, browsing() as browser:
        for look in looks:
            width, scheme = LOOKS[look]
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            page = context.new_page()
            for language in languages:
                for name in wanted:
                    page.goto(f"{address}/{language}/{name}")
                    page.screenshot(path=folder / f"{name}-{language}-{look}.png", full_page=True)
            context.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or names())
