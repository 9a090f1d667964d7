"""Every setting, in one place: read once at start, checked, frozen.

A setting comes from, the first that has it: ``create_app(overrides)``, the environment (``LIFTLINK_<NAME>``), the file
``instance/settings.env``, the default. ``liftlink settings`` prints them; ``docs/settings.md`` is made from this module.

LiftlinkError
└── SettingsError   setting_invalid · setting_missing · setting_weak · setting_forbidden      (details: setting)
"""

from __future__ import annotations

import ipaddress
import os
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from app.kit.errors import LiftlinkError

PREFIX = "LIFTLINK_"
INSTANCE = Path(__file__).resolve().parents[1] / "instance"
LEAST_SECRET = 32
"""Characters of a master secret, at least; ten of them different."""


class SettingsError(LiftlinkError):
    """A setting that stops the start; ``details["setting"]`` is its name in the environment. Never holds a secret."""


def variable(name: str) -> str:
    """The name of a setting in the environment."""
    return PREFIX + name.upper()


def _whole_address(url: str) -> str:
    parts = urlsplit(url)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise ValueError("an address such as https://pay.example, without a path")
    return f"{parts.scheme}://{parts.netloc}"


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("an instant with its zone is needed, such as 2026-07-01T16:00:00Z")
    return at.astimezone(UTC)


class Settings(BaseModel):
    """The settings of one process. Frozen, and its ``repr`` shows no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)

    environment: Literal["development", "production"] = Field(
        "development",
        description="`production` refuses to start on a weak or missing secret, the sandbox gateway, a shifted clock or an "
        "`http` address. In `development` a secret is made at first use and kept in the instance folder.",
    )
    secret: tuple[SecretStr, ...] = Field(
        (),
        description="The master secret, at least 32 characters; all keys are derived from it. While it is being changed: "
        "the new one, a comma, the old one. Make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`.",
    )
    secret_file: Path | None = Field(
        None,
        description="A file that holds the master secrets, one a line, the newest first; instead of `LIFTLINK_SECRET`.",
    )
    public_url: Annotated[str, AfterValidator(_whole_address)] = Field(
        "http://127.0.0.1:8000",
        description="Where shoppers reach this installation, without a path. Links begin with it.",
    )
    instance_path: Path = Field(
        INSTANCE,
        description="The folder of local settings, the embedded database, the sandbox's ledger and mail files.",
    )
    database_url: str = Field(
        "",
        description="The database: `postgresql+psycopg://user:secret@host/name`, or `sqlite:///path`. Default: "
        "`liftlink.sqlite3` in the instance folder.",
    )
    restore_epoch: str = Field(
        "",
        max_length=64,
        description="Change it, to any other word, whenever an older copy of the database is put in its place: charging then stays "
        "closed until the gateway's books were compared twice (`docs/operations.md`).",
    )
    gateway: str = Field("sandbox", description="The payment gateway of new books, by the name of its entry point.")
    sandbox_path: Path | None = Field(
        None, description="The sandbox gateway's own ledger. Default: `sandbox.sqlite3` in the instance folder."
    )
    sandbox_slow_seconds: float = Field(1.5, ge=0, description="How long the sandbox's slow card takes to answer.")
    sandbox_timeout_seconds: float = Field(1.0, ge=0, description="After how long the sandbox's silent cards give up.")
    sandbox_late_seconds: float = Field(5.0, ge=0, description="How much later the sandbox's late card still acts.")
    sandbox_processing_seconds: float = Field(
        5.0, ge=0, description="How long the sandbox's `processing` cards stay so before their outcome."
    )
    mail: Literal["files"] = Field(
        "files", description="Where mail goes: `files` writes each message to the mail folder."
    )
    mail_path: Path | None = Field(None, description="The mail folder. Default: `outbox` in the instance folder.")
    mail_address: str = Field(
        "", description="The address that mail comes from. Default: `noreply` at the host of `LIFTLINK_PUBLIC_URL`."
    )
    languages: tuple[str, ...] = Field(
        ("en", "fr"),
        description="Languages that shoppers may read, separated by commas; the first is the one to fall back on.",
    )
    host: str = Field("127.0.0.1", description="The address that `liftlink serve` listens on.")
    port: int = Field(8000, ge=1, le=65535, description="The port that `liftlink serve` listens on.")
    workers: int = Field(2, ge=1, le=64, description="Server processes; each brings its own worker thread for jobs.")
    threads: int = Field(4, ge=1, le=64, description="Requests that one server process answers at the same time.")
    stop_seconds: int = Field(
        30,
        ge=1,
        le=600,
        description="How long a stopping server waits for running requests and jobs before it gives up.",
    )
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=10,
        description="How many proxies stand in front and set `X-Forwarded-For` and `-Proto`. 0 trusts none.",
    )
    jobs: Literal["embedded", "off"] = Field(
        "embedded",
        description="`embedded` runs payments' follow-up, mail and sweeps in a thread of each server process; `off` leaves them "
        "to `liftlink worker`.",
    )
    rate_limit: str = Field(
        "240/minute", description="Requests of one address that a server process answers; `off` for no limit."
    )
    decline_limit: int = Field(
        5,
        ge=1,
        le=100,
        description="Declined payments within an hour after which a subscription (and so its links) or a card has to wait; a "
        "customer after twice as many.",
    )
    cart_try_limit: int = Field(
        10,
        ge=1,
        le=1000,
        description="How many card pages, and how many changes of the e-mail address, the carts of one subscription (and so its "
        "links) may begin within an hour.",
    )
    notice_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="How many days the body of a gateway's notice is kept after it was worked. That it came is kept for ever.",
    )
    drive_seconds: float = Field(
        12.0, ge=1, le=60, description="How long Buy Now waits for the gateway before it answers “we are checking”."
    )
    start_at: Annotated[datetime, AfterValidator(_aware)] | None = Field(
        None,
        description="Development only: the instant at which this process's clock starts, such as `2026-07-01T16:00:00Z`.",
    )
    fault_plan: str = Field(
        "",
        pattern=r"^(C([0-9]|1[01])(:[1-9][0-9]?)?)?$",
        description="For tests only: the crash point (`C0` … `C11`, `C5:2` for the second passing) at which the server kills "
        "itself with its whole process group. Development only.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is worth a line in the log: `debug`, `info`, `warning` or `error` and what is graver."
    )
    log_format: Literal["lines", "json"] = Field(
        "lines", description="How the log is written to the standard error: `lines` for people, `json` for programs."
    )

    @field_validator("secret", "languages", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @property
    def database(self) -> str:
        """The database's address, whether given or the embedded one."""
        return self.database_url or f"sqlite:///{self.instance_path / 'liftlink.sqlite3'}"

    @property
    def ledger(self) -> Path:
        """The sandbox gateway's ledger."""
        return self.sandbox_path or self.instance_path / "sandbox.sqlite3"

    @property
    def outbox(self) -> Path:
        """The mail folder."""
        return self.mail_path or self.instance_path / "outbox"

    @property
    def sender(self) -> str:
        """The address that mail comes from."""
        host = urlsplit(self.public_url).hostname or ""
        named = "." in host and not host.replace(".", "").isdigit()
        return self.mail_address or f"noreply@{host if named else 'liftlink.invalid'}"

    @property
    def maintenance(self) -> Path:
        """The switch: while this file is there, no cart opens."""
        return self.instance_path / "maintenance"

    @property
    def database_mark(self) -> Path | None:
        """Where the marks lie by which a restored older copy of an embedded database is noticed. A database that lies elsewhere
        need not come with this folder, so it has none."""
        embedded = self.instance_path / "liftlink.sqlite3"
        return embedded.with_suffix(".mark") if self.database == f"sqlite:///{embedded}" else None

    @property
    def demo_clock(self) -> Path:
        """Where the demo notes by how much its clock is moved, so that every process of this folder shares it."""
        return self.instance_path / "demo-clock"


def read_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """The checked settings. ``SettingsError`` names the first one that is wrong; nothing is started then."""
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    said = _from_environment(os.environ) | given
    # The file lies in the instance folder, which itself is a setting: the two sources above it are asked first.
    folder = Path(str(said.get("instance_path") or INSTANCE))
    try:
        settings = Settings.model_validate(_from_file(folder / "settings.env") | said)
    except ValidationError as error:
        raise _named(error) from None
    if settings.production:
        _check_production(settings)
    return settings


def _from_environment(environment: Mapping[str, str]) -> dict[str, object]:
    """Settings by their names; an empty value is none."""
    found = {name: environment.get(variable(name)) for name in Settings.model_fields}
    return {name: value for name, value in found.items() if value}


def _from_file(path: Path) -> dict[str, object]:
    """Like the environment's, with every other name refused: a file that is ours has no strangers."""
    # Taken as they are written: a secret may hold a "${".
    found = dotenv_values(path, interpolate=False)
    known = {variable(name): name for name in Settings.model_fields}
    for name in found:
        if name not in known:
            raise SettingsError(
                "setting_invalid", f"{name}: there is no such setting (see: liftlink settings)", setting=name
            )
    return {known[name]: value for name, value in found.items() if value}


def _named(error: ValidationError) -> SettingsError:
    first = error.errors(include_input=False, include_url=False)[0]
    name = variable(str(first["loc"][0])) if first["loc"] else "settings"
    name = name.replace(PREFIX * 2, PREFIX)  # an unknown name from the file comes with its prefix
    if first["type"] == "extra_forbidden":
        return SettingsError(
            "setting_invalid", f"{name}: there is no such setting (see: liftlink settings)", setting=name
        )
    reason = str(first["msg"]).removeprefix("Value error, ")
    return SettingsError("setting_invalid", f"{name}: {reason[:1].lower()}{reason[1:]}", setting=name)


def _check_production(settings: Settings) -> None:
    if not settings.secret and settings.secret_file is None:
        raise SettingsError(
            "setting_missing", "LIFTLINK_SECRET: production needs a master secret", setting="LIFTLINK_SECRET"
        )
    master_secrets(settings)
    if settings.gateway == "sandbox":
        raise _forbidden("gateway", "the sandbox gateway moves no money and does not start in production")
    if settings.start_at is not None:
        raise _forbidden("start_at", "a shifted clock does not start in production")
    if settings.fault_plan:
        raise _forbidden("fault_plan", "a server that is to kill itself does not start in production")
    if not settings.public_url.startswith("https://"):
        raise _forbidden("public_url", f"{settings.public_url} is not https, which production needs")


def _forbidden(name: str, reason: str) -> SettingsError:
    return SettingsError("setting_forbidden", f"{variable(name)}: {reason}", setting=variable(name))


def master_secrets(settings: Settings) -> tuple[bytes, ...]:
    """The master secrets, newest first; in development one is made at first use. ``setting_weak`` names a weak one."""
    texts = tuple(secret.get_secret_value() for secret in settings.secret)
    setting = "secret"
    if not texts and settings.secret_file is not None:
        setting = "secret_file"
        try:
            texts = tuple(line.strip() for line in settings.secret_file.read_text().splitlines() if line.strip())
        except OSError as error:
            raise SettingsError(
                "setting_invalid", f"{variable(setting)}: {error.strerror}: {settings.secret_file}", setting=variable(setting)
            ) from None  # fmt: skip
        if not texts:
            raise SettingsError("setting_missing", f"{variable(setting)}: the file is empty", setting=variable(setting))
    if not texts:
        texts = (_development_secret(settings.instance_path / "secret"),)
    for place, text in enumerate(texts, 1):
        if len(text) < LEAST_SECRET or len(set(text)) < 10:
            which = f"secret {place} of {len(texts)}" if len(texts) > 1 else "the secret"
            raise SettingsError(
                "setting_weak", f"{variable(setting)}: {which} is too weak: {LEAST_SECRET} random characters are needed",
                setting=variable(setting),
            )  # fmt: skip
    return tuple(text.encode() for text in texts)


def _development_secret(path: Path) -> str:
    """Made once and readable by its owner only; two processes that start at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(48) + "\n")
    try:
        os.link(draft, path)  # fails if another process was first: then its secret counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Names that look like settings and are none: a typo that would otherwise pass in silence."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def warnings_for(settings: Settings) -> list[str]:
    """What an operator should hear at start: each sentence names its setting."""
    gateways = f"{variable(settings.gateway)}_"
    strange = [name for name in unknown_variables(os.environ) if not name.startswith(gateways)]
    said = [f"{name} is no setting of Liftlink and changes nothing" for name in strange]
    if not settings.production:
        said.append("LIFTLINK_ENVIRONMENT is development: not for real customers")
        if not _is_loopback(settings.host):
            said.append(f"LIFTLINK_HOST is {settings.host}: a development server that others can reach")
    elif settings.trusted_proxies == 0 and not _is_loopback(settings.host):
        said.append("LIFTLINK_TRUSTED_PROXIES is 0: behind a proxy every shopper would seem to come from one address")
    return said


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def described() -> list[tuple[str, str, str]]:
    """Every setting as (name in the environment, default, description), in the order of this module."""
    rows: list[tuple[str, str, str]] = []
    for name, field in Settings.model_fields.items():
        default: Any = field.default
        if isinstance(default, tuple):
            shown = ",".join(str(part) for part in default)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        elif name == "instance_path":
            shown = "instance"
        else:
            shown = "" if default is None else str(default)
        rows.append((variable(name), shown, field.description or ""))
    return rows
