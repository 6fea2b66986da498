"""SQLAlchemy keeps the listener of each class with __declare_last__, also when its registry is disposed
(sqlalchemy/sqlalchemy#13564). Proper use: a class that is made again has none."""

import sys
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Session, registry

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
engine = sa.create_engine("sqlite://")


def tenant(number):
    mappings = registry()

    class Base(DeclarativeBase):
        registry = mappings

    class Order(Base):
        __tablename__ = f"orders_{number % 10}"
        ident = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(20))

        if not PROPER:

            @classmethod
            def __declare_last__(cls):
                cls.checked = True

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Order(name=f"order {number}"))
        session.commit()
        total = session.scalar(sa.select(sa.func.count()).select_from(Order))
    mappings.dispose()
    engine.clear_compiled_cache()
    return total


print(sum(tenant(n) for n in range(int(250 * SIZE))))
