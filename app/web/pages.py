"""The templates' environment: one per language, so that translated templates are compiled once and need no request."""

from __future__ import annotations

from pathlib import Path
from typing import Final, cast

from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.web.assets import Assets
from app.web.i18n import TRANSLATIONS, Languages, Tongue

EXTENSIONS: Final = ["jinja2.ext.i18n", "jinja2.ext.do"]


class Pages:
    """Renders templates. Undefined names raise, everything is escaped, sentences come from the catalogs."""

    def __init__(self, folder: Path, assets: Assets, languages: Languages, *, reload: bool = False) -> None:
        self.assets = assets
        self.languages = languages
        self._loader = FileSystemLoader(folder)
        self._reload = reload
        self._environments = {code: self._environment(code) for code in languages.enabled}

    def _environment(self, language: str) -> Environment:
        # Escaping is on for pages and off for the text halves of mails, by the name's end.
        made = Environment(
            loader=self._loader, extensions=EXTENSIONS, undefined=StrictUndefined, auto_reload=self._reload,
            autoescape=select_autoescape(["html", "svg"], default=False), trim_blocks=True, lstrip_blocks=True, cache_size=200,
        )  # fmt: skip
        made.policies["ext.i18n.trimmed"] = True
        catalog: NullTranslations = Translations.load(str(TRANSLATIONS), [language])
        install = getattr(made, "install_gettext_translations")  # noqa: B009
        install(catalog, newstyle=True)
        cast("dict[str, object]", made.globals)["asset"] = self.assets.url
        return made

    def environment(self, language: str) -> Environment:
        """The environment of a language, for a door that adds filters of its own at start."""
        return self._environments[language]

    def render(self, template: str, tongue: Tongue, **values: object) -> str:
        """The template in that language. ``t`` is the tongue in every template."""
        return self._environments[tongue.language].get_template(template).render(t=tongue, **values)
