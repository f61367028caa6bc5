"""Files about one server, and commands over them."""

from __future__ import annotations

import shutil
from pathlib import Path

from click.testing import CliRunner, Result

from retention.cli.root import root
from tests.support.own_servers import OwnServer

POLICY = (
    '[policy]\nname = "Visits"\ntimezone = "UTC"\n[rules.visits]\npromise = "Visits: a year"\ndata = "visits"\n'
    'keep = "1 year"\nfrom = "seen"\naction = "delete"\n'
)
DATASET = '[datasets.visits]\ndata = "visits"\ntable = "visits"\nevents = { seen = "seen" }\n'


class Desk:
    """`server`, and a folder with a policy and copies of its certificates."""

    def __init__(self, server: OwnServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        (folder / "connectors").mkdir()
        (folder / "policies.toml").write_text(POLICY)
        for path in server.folder.glob("*-*"):
            shutil.copy(path, folder / path.name)

    def run(self, *words: str, **environ: str) -> Result:
        """A command's result."""
        config = ("--config", str(self.folder / "policies.toml"))
        return CliRunner().invoke(root, [*config, *words], env={"RETENTION_STATE": None, **environ})

    def connect(self, url: str, lines: str = "") -> None:
        """A connector of this URL and lines about it."""
        text = f'type = "sql"\nurl = "{url}"\n{lines}\n{DATASET}'
        (self.folder / "connectors" / "db.toml").write_text(text)

    def plan(self, lines: str = "", url: str | None = None, **account: str) -> Result:
        """`plan` over a connector to the server, as somebody, by some way: as `OwnServer.url` says."""
        self.connect(url or self.server.url(**account), lines)
        return self.run("plan")

    def state(self, lines: str = "", url: str | None = None, **account: str) -> Result:
        """`audit verify` of a state store on the server, which has none."""
        self.connect("sqlite:///shop.db")
        where = url or self.server.url(database="ledger", **account)
        (self.folder / "retention.toml").write_text(f'[state]\nurl = "{where}"\n{lines}\n')
        return self.run("audit", "verify")


def told(result: Result) -> str:
    """What a command said on either stream, however its lines were broken."""
    return " ".join(result.output.split())
