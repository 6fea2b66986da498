"""An inventory on SQLAlchemy's ORM: a session for each unit of work, relationships, queries."""
import random
import sys

from sqlalchemy import ForeignKey, create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Base(DeclarativeBase):
    pass


class Warehouse(Base):
    __tablename__ = "warehouse"
    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]
    crates: Mapped[list["Crate"]] = relationship(back_populates="warehouse",
                                                 cascade="all, delete-orphan")


class Crate(Base):
    __tablename__ = "crate"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]
    weight: Mapped[int]
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouse.id"))
    warehouse: Mapped[Warehouse] = relationship(back_populates="crates")


def deliver(engine, rng, number):
    with Session(engine) as session, session.begin():
        house = session.get(Warehouse, rng.randrange(1, 9))
        for _ in range(4):
            session.add(Crate(label=f"delivery {number}", weight=rng.randrange(1, 90),
                              warehouse=house))


def ship(engine, rng):
    with Session(engine) as session, session.begin():
        house = session.scalars(select(Warehouse).options(selectinload(Warehouse.crates))
                                .where(Warehouse.id == rng.randrange(1, 9))).one()
        house.crates.sort(key=lambda crate: crate.weight, reverse=True)
        gone = house.crates[30:]
        del house.crates[30:]
        return sum(crate.weight for crate in gone)


def stock(engine):
    with Session(engine) as session:
        return dict(session.execute(
            select(Warehouse.town, func.sum(Crate.weight)).join(Crate).group_by(Warehouse.town)).all())


def main():
    engine = create_engine("sqlite:///inventory.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.add_all(Warehouse(town=f"town {n}") for n in range(8))
    rng = random.Random(3)
    shipped = 0
    for number in range(int(900 * SIZE)):
        deliver(engine, rng, number)
        shipped += ship(engine, rng)
        if number % 25 == 0:
            stock(engine)
    engine.dispose()
    print("shipped", shipped)


main()
