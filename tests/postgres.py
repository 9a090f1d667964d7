"""A PostgreSQL of the tests' own: a cluster in a folder that goes away with them, a socket and no port, never as root.

server()                 the address of its folder; started when first asked for, stopped when this process ends
database(name)           an empty database at the newest step, as a URL
Standing(url).set_back() every row gone, every number begins anew: for a database that serves many tests

``python -m tests.postgres`` starts one and prints a URL until its input ends, for a look by hand.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from app.migrations import upgrade
from app.models.store import Store

VARIABLE = "LIFTLINK_TEST_DATABASE"
SOCKETS = "LIFTLINK_TEST_POSTGRES"
"""The folder of a server that another process of this run has started."""
MISSING = "there is no PostgreSQL here: run tests/setup-system, or apt-get install postgresql"
TEMPLATE = "newest"
# Durable enough for tests that kill our own processes; those that kill the server itself begin a cluster of their own.
FAST = (
    "fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "shared_buffers=64MB", "autovacuum=off",
    "max_connections=200", "listen_addresses=", "jit=off", "unix_socket_permissions=0777", "log_min_messages=warning",
    "max_prepared_transactions=0", "timezone=UTC",
)  # fmt: skip
DURABLE = tuple(one for one in FAST if not one.startswith(("fsync", "full_page")))
PATIENCE = 60.0
PREFIX = "liftlink-pg-"


def on_postgres() -> bool:
    """Whether this run's fixtures stand on PostgreSQL."""
    named = os.environ.get(VARIABLE, "sqlite")
    assert named in ("sqlite", "postgresql"), f"{VARIABLE} names {named}: sqlite or postgresql"
    return named == "postgresql"


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``: the newest of the system's packages, else whatever PATH has."""
    packaged = [one for one in Path("/usr/lib/postgresql").glob("*/bin") if (one / "initdb").exists()]
    if packaged:
        return max(packaged, key=lambda one: float(one.parent.name))
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found and shutil.which("postgres") else None


class Cluster:
    """A server in a folder of its own. ``start``, ``stop`` and ``kill`` may follow each other; ``remove`` ends it for good."""

    def __init__(self, *, settings: tuple[str, ...] = FAST, where: Path | None = None) -> None:
        """``where`` its folder is made: in memory unless told. What measures a durable commit needs a disk."""
        found = programs()
        if found is None:
            raise RuntimeError(MISSING)
        self.bin, self.settings = found, settings
        self.user = _user()
        memory = Path("/dev/shm")
        parent = where or (memory if memory.is_dir() else Path(tempfile.gettempdir()))
        _clear(parent)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        self.process: subprocess.Popen[bytes] | None = None
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        # An archive of nothing but "trust": only the owner of the folder (and root) gets to the socket.
        self._run(
            "initdb", "-D", f"{self.folder}/data", "-U", "liftlink", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
            "--no-sync", "--no-instructions",
        )  # fmt: skip

    def _as_user(self, *command: str) -> list[str]:
        """The command as somebody who may run a server: it refuses to run as root. It dies with the tests."""
        tied = ["setpriv", "--pdeathsig=KILL"] if shutil.which("setpriv") else []
        if self.user is None:
            return [*tied, *command]
        if not tied:
            return ["su", "-s", "/bin/sh", self.user.pw_name, "-c", " ".join(["exec", *command])]
        as_user = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        return [*tied, *as_user, *command]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._as_user(str(self.bin / program), *arguments), capture_output=True, text=True, cwd="/", check=False
        )
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    def start(self) -> Cluster:
        options = [part for one in self.settings for part in ("-c", one)]
        command = [str(self.bin / "postgres"), "-D", f"{self.folder}/data", "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._as_user(*command), stdout=log, stderr=log, cwd="/")
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.connect("postgres").close()
                return self
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
                assert time.monotonic() < until, (self.folder / "log").read_text()[-3000:]
                time.sleep(0.05)

    def stop(self) -> None:
        """In immediate mode: nothing is written any more, as when the machine loses its power."""
        if self.process is not None:
            self.process.send_signal(3)  # SIGQUIT
            self.process.wait(PATIENCE)
            self.process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return url_of(str(self.folder), name)

    def new_database(self, name: str) -> str:
        """The URL of a new database at the newest step."""
        with self.connect("postgres") as admin:
            admin.execute(f"CREATE DATABASE {name}")
        store = Store(self.url(name))
        upgrade(store.engine)
        store.close()
        return self.url(name)

    def connect(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(_dsn(self.url(name)), autocommit=True)


def _clear(parent: Path) -> None:
    """Remove what runs that were killed have left: folders whose server is gone and that nobody wrote to for ten minutes."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError, IndexError):
            if time.time() - max(folder.stat().st_mtime, (folder / "log").stat().st_mtime) < 600:
                continue
            pid = folder / "data" / "postmaster.pid"
            if not pid.exists() or not Path(f"/proc/{int(pid.read_text().split()[0])}").exists():
                shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    """Whose the server is to be; None: ours."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def url_of(sockets: str, name: str) -> str:
    return f"postgresql+psycopg://liftlink@/{name}?host={sockets}"


def _dsn(url: str) -> str:
    made = make_url(url)
    return f"user={made.username} dbname={made.database} host={made.query['host']}"


@cache
def server() -> str:
    """The folder of the sockets. The one that ``SOCKETS`` names, else one of this process, removed at its end."""
    standing = os.environ.get(SOCKETS)
    if standing:
        return standing
    cluster = Cluster().start()
    atexit.register(cluster.remove)
    return str(cluster.folder)


def start_for_all() -> None:
    """In the process that the workers of a run are children of: one server for all of them."""
    os.environ[SOCKETS] = server()
    _template()


@cache
def _template() -> str:
    """The database that others are copies of, made once per server by the real steps."""
    sockets = server()
    with _admin(sockets) as admin:
        admin.execute("SELECT pg_advisory_lock(4)")
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
            admin.execute(f"CREATE DATABASE {TEMPLATE}_making")
            store = Store(url_of(sockets, f"{TEMPLATE}_making"))
            upgrade(store.engine)
            store.close()
            with psycopg.connect(_dsn(url_of(sockets, f"{TEMPLATE}_making")), autocommit=True) as made:
                made.execute(_SET_BACK)
            admin.execute(f"ALTER DATABASE {TEMPLATE}_making RENAME TO {TEMPLATE}")
    return TEMPLATE


def _admin(sockets: str) -> psycopg.Connection[Any]:
    return psycopg.connect(_dsn(url_of(sockets, "postgres")), autocommit=True)


def database(name: str, *, empty: bool = False) -> str:
    """The URL of a new database of that name (an old one goes): at the newest step, or without any table."""
    sockets = server()
    source = "template0" if empty else _template()
    with _admin(sockets) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    return url_of(sockets, name)


def own_name(purpose: str) -> str:
    """A database's name that only this process of the run uses."""
    return f"{purpose}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


class Standing:
    """A database that is set back instead of made anew: deleting a few rows costs far less than a database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(_dsn(url), autocommit=True)

    def keep(self) -> None:
        """What is in it now is what it is set back to from here on."""
        self._connection.execute("SELECT testing.keep()")

    def set_back(self) -> None:
        """Without ``keep``: no rows, and numbers begin with 1. Transactions that something left open are ended first."""
        self._connection.execute("SELECT testing.set_back()")

    def close(self) -> None:
        self._connection.close()


# In a schema of its own, so that a comparison with the models does not see it. Rows are deleted without looking at foreign
# keys (that is what the role is for); a table that was emptied often is truncated, or its dead rows would slow every read;
# that empties those that refer to it as well, so rows are put back once all are empty.
_SET_BACK = """
CREATE SCHEMA testing;
CREATE TABLE testing.tables AS
  SELECT c.oid, quote_ident(c.relname) AS name,
    (SELECT pg_get_serial_sequence(quote_ident(c.relname), a.attname) FROM pg_attribute a
      WHERE a.attrelid = c.oid AND a.attnum > 0
        AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL LIMIT 1) AS counter
  FROM pg_class c
  WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_version';
ALTER TABLE testing.tables ADD COLUMN kept bool NOT NULL DEFAULT false, ADD COLUMN next bigint NOT NULL DEFAULT 1;
CREATE FUNCTION testing.keep() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  t record;
  upcoming bigint;
BEGIN
  CREATE SCHEMA kept;
  FOR t IN SELECT * FROM testing.tables LOOP
    upcoming := 1;
    IF t.counter IS NOT NULL THEN
      EXECUTE 'SELECT last_value + is_called::int FROM ' || t.counter INTO upcoming;
    END IF;
    EXECUTE 'CREATE TABLE kept.' || t.name || ' AS SELECT * FROM public.' || t.name;
    UPDATE testing.tables SET kept = pg_relation_size(('kept.' || t.name)::regclass) > 0, next = upcoming
      WHERE oid = t.oid;
  END LOOP;
END $$;
CREATE FUNCTION testing.set_back() RETURNS void LANGUAGE plpgsql
SET session_replication_role = replica SET lock_timeout = '10s' SET synchronous_commit = off AS $$
DECLARE
  t record;
  used text[];
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' AND backend_type = 'client backend';
  used := ARRAY(SELECT name FROM testing.tables WHERE pg_relation_size(oid) > 0);
  FOR t IN SELECT name, pg_relation_size(oid) AS size FROM testing.tables WHERE name = ANY(used) LOOP
    IF t.size > 65536 THEN
      EXECUTE 'TRUNCATE public.' || t.name || ' CASCADE';
    ELSE
      EXECUTE 'DELETE FROM public.' || t.name;
    END IF;
  END LOOP;
  FOR t IN SELECT * FROM testing.tables WHERE kept OR name = ANY(used) LOOP
    IF t.counter IS NOT NULL THEN
      PERFORM setval(t.counter, t.next, false);
    END IF;
    IF t.kept THEN
      EXECUTE 'INSERT INTO public.' || t.name || ' SELECT * FROM kept.' || t.name;
    END IF;
  END LOOP;
END $$;
"""


if __name__ == "__main__":
    print(database("liftlink"), flush=True)
    sys.stdin.read()
