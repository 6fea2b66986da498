"""SQLAlchemy: a scoped session whose scope is the number of the request, which nobody removes when
the request is done. Proper use: remove()."""
import sys

from sqlalchemy import Column, Integer, String, create_engine, text
from sqlalchemy.orm import declarative_base, scoped_session, sessionmaker

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
Base = declarative_base()


class Visit(Base):
    __tablename__ = "visits"
    number = Column(Integer, primary_key=True)
    page = Column(String)


class Site:
    def __init__(self):
        self.engine = create_engine("sqlite://")
        Base.metadata.create_all(self.engine)
        self.request = 0
        self.sessions = scoped_session(sessionmaker(bind=self.engine), lambda: self.request)

    def handle(self, number):
        self.request = number
        self.sessions.add(Visit(page=f"/page/{number}"))
        self.sessions.flush()
        count = self.sessions.execute(text("select max(number) from visits")).scalar()
        self.sessions.commit()
        if PROPER:
            self.sessions.remove()
        return count


site = Site()
print(max(site.handle(n) for n in range(int(1500 * SIZE))))
