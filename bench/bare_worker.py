"""What a worker weighs that is only Flask and SQLAlchemy: one table, one template, one page asked for."""

from __future__ import annotations

from flask import Flask, render_template_string
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from bench.asking import asker
from bench.worker import resident_kilobytes


class Base(DeclarativeBase):
    """The only table's."""


class Word(Base):
    """Something to read."""

    __tablename__ = "words"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


def main() -> None:
    """Serve one page and print the size."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Word(id=1, text="hello"))
        session.commit()
    app = Flask("bare")

    @app.get("/")
    def page() -> str:
        with Session(engine) as session:
            word = session.scalars(select(Word)).one()
            return render_template_string("<p>{{ word.text }}</p>", word=word)

    if b"hello" not in asker(app)("/")[1]:
        raise RuntimeError("no page")
    print(resident_kilobytes())


if __name__ == "__main__":
    main()
