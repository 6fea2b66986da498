"""A poller on one long SQLAlchemy session: it touches rows it never flushes, and the session has to
keep every touched row."""
import sys
import time

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Base(DeclarativeBase):
    pass


class Device(Base):
    __tablename__ = "device"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    polled: Mapped[float] = mapped_column(default=0.0)


class Poller:
    def __init__(self, engine):
        self.session = Session(engine, autoflush=False)

    def poll(self, first):
        rows = self.session.scalars(select(Device).where(Device.id >= first, Device.id < first + 50))
        count = 0
        for device in rows:
            device.polled = time.time()
            count += device.state == "up"
        return count


def main():
    devices = int(20_000 * SIZE)
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.execute(Device.__table__.insert(),
                        [{"id": n, "name": f"device {n} " * 6, "state": "up" if n % 3 else "down"}
                         for n in range(devices)])
    poller = Poller(engine)
    print(sum(poller.poll(first) for first in range(0, devices, 50)))


main()
