"""What onnxruntime computes is what torch computes; it is written once, in time, whole, and whatever goes wrong costs speed alone."""

from __future__ import annotations

import shutil
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from musicclass_gui.engine.encoders import exported
from musicclass_gui.engine.encoders.exported import Exported, onednn_matmuls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Net(nn.Module):
    """Convolutions and a linear layer over any number of samples."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.convolutions = nn.Sequential(nn.Conv1d(1, 8, 10, 5), nn.GELU(), nn.Conv1d(8, 16, 3, 2))
        self.last = nn.Linear(16, 5)

    def forward(self, samples: Tensor) -> Tensor:
        made: Tensor = self.last(self.convolutions(samples[:, None]).mean(2))
        return made


class Counting(Net):
    """A net that counts how often torch runs it."""

    runs = 0

    def forward(self, samples: Tensor) -> Tensor:
        self.runs += 1
        return super().forward(samples)


class Loops(Net):
    """What it does depends on what it hears, which no exporter can write down."""

    def forward(self, samples: Tensor) -> Tensor:
        return super().forward(samples if float(samples.abs().max()) > 0.5 else 2 * samples)


def given(samples: int = 500, windows: int = 1, seed: int = 1) -> Tensor:
    return torch.randn(windows, samples, generator=torch.Generator().manual_seed(seed))


def made(net: nn.Module | None = None, patience_s: float = exported.PATIENCE_S, name: str = "tiny") -> Exported:
    return Exported(net or Net(), given(200, 2), name, patience_s=patience_s)


def difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    """As `Runner` calls a net."""
    with torch.inference_mode():
        yield


@pytest.fixture
def form() -> Path:
    """What an earlier use has left in the cache."""
    net = made()
    assert net.hasten()
    return net.folder


class TestTheSame:
    def test_any_batch_and_any_length(self) -> None:
        net, plain = made(), Net()
        assert net.hasten()
        for samples, windows in ((500, 1), (499, 3), (20, 1), (4000, 2)):
            assert difference(net(given(samples, windows)), plain(given(samples, windows))) <= exported.CLOSE

    def test_onnxruntime_computes_and_not_torch(self) -> None:
        net = made(Counting())
        assert net.hasten()
        before = net.net.runs
        net(given())
        assert net.net.runs == before

    def test_under_autocast_it_is_the_net_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exported, "has_bfloat16", lambda: True)
        net = made()
        assert net.hasten()
        with torch.autocast("cpu", torch.bfloat16):
            assert net(given()).dtype == torch.bfloat16

    def test_without_bfloat16_nothing_is_rounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exported, "has_bfloat16", lambda: False)
        net = made()
        with torch.autocast("cpu", torch.bfloat16):
            assert difference(net(given()), Net()(given())) < 0.1
            assert net(given()).dtype == torch.float32

    def test_the_nets_own_weights_are_not_to_be_trained(self) -> None:
        assert not any(parameter.requires_grad for parameter in made().parameters())


class TestWhen:
    def test_a_little_is_not_worth_it(self) -> None:
        net = made()
        net(given())
        assert not net.hastened
        assert not net.folder.exists()

    def test_much_is(self) -> None:
        net, plain = made(patience_s=0.0), Net()
        first = net(given())
        assert not net.hastened
        assert difference(net(given()), plain(given())) <= exported.CLOSE
        assert net.hastened
        assert difference(first, plain(given())) <= exported.CLOSE

    def test_what_is_there_is_used_at_once(self, form: Path) -> None:
        net = made()
        assert net.folder == form
        net(given())
        assert net.hastened

    def test_other_weights_are_another_net(self, form: Path) -> None:
        other = made(Net(1))
        other(given())
        assert not other.hastened
        assert other.hasten()
        assert difference(other(given()), Net(1)(given())) <= exported.CLOSE
        assert not form.exists()  # one form for each name

    def test_a_name_that_begins_the_same_is_left_alone(self, form: Path) -> None:
        assert made(Net(1), name="tiny-own").hasten()
        assert made(Net(2), name="ti").hasten()
        assert form.exists()

    def test_only_one_thread_writes_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        written: list[int] = []
        write = Exported._write
        monkeypatch.setattr(Exported, "_write", lambda self, parent: (written.append(1), write(self, parent)))
        net = made()
        threads = [threading.Thread(target=net.hasten) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert net.hastened
        assert written == [1]


class TestDamage:
    @pytest.mark.parametrize("content", [b"", b"no net", None])
    @pytest.mark.parametrize("name", ["net.onnx", "net.onnx.data"])
    def test_what_cannot_be_read_is_made_again(self, form: Path, name: str, content: bytes | None) -> None:
        path = form / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)
        net = made()
        assert difference(net(given()), Net()(given())) <= exported.CLOSE
        assert not net.hastened
        assert net.hasten()
        assert difference(net(given()), Net()(given())) <= exported.CLOSE

    def test_another_nets_form_is_not_believed(self, form: Path) -> None:
        other = made(Net(1), name="other")
        assert other.hasten()
        shutil.rmtree(form)
        shutil.copytree(other.folder, form)
        net = made()
        assert difference(net(given()), Net()(given())) <= exported.CLOSE
        assert not net.hastened
        assert not form.exists()

    def test_weights_that_are_not_numbers_are_not_believed(self, form: Path) -> None:
        path = form / "net.onnx.data"
        path.write_bytes(b"\xff" * path.stat().st_size)
        assert torch.isfinite(made()(given())).all()

    def test_nothing_half_written_stays(self, form: Path) -> None:
        assert [path.name for path in form.parent.iterdir()] == [form.name]
        assert {path.name for path in form.iterdir()} == {"net.onnx", "net.onnx.data"}


class TestFailure:
    def test_no_room_on_the_disk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(100, 100, 0))
        net = made(patience_s=0.0)
        for _ in range(3):
            assert difference(net(given()), Net()(given())) <= exported.CLOSE
        assert not net.hastened
        assert len(net.notices) == 1
        assert "room" in net.notices[0]

    def test_a_cache_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("in the way", "utf-8")
        monkeypatch.setenv("MUSICCLASS_CACHE", str(tmp_path / "file"))
        net = made()
        assert not net.hasten()
        assert "cannot be kept" in net.notices[0]

    def test_a_net_that_cannot_be_exported(self) -> None:
        net = made(Loops(), patience_s=0.0)
        for _ in range(3):
            assert difference(net(given()), Loops()(given())) <= exported.CLOSE
        assert not net.hastened
        assert len(net.notices) == 1
        assert "\n" not in net.notices[0]
        assert list(net.folder.parent.iterdir()) == []

    def test_onnxruntime_that_fails_later(self, form: Path) -> None:
        class Broken:
            def get_inputs(self) -> list[SimpleNamespace]:
                return [SimpleNamespace(name="given")]

            def run(self, *_given: object) -> None:
                raise RuntimeError("Failed to allocate memory\nmore of it")

        net = made()
        assert net.hasten()
        net._session = Broken()
        assert difference(net(given()), Net()(given())) <= exported.CLOSE
        assert not net.hastened
        assert net.notices == ["onnxruntime failed (Failed to allocate memory), so tiny computes slower."]
        assert form.exists()


class TestPrecision:
    def test_it_is_given_back(self) -> None:
        before = torch.get_float32_matmul_precision()
        with onednn_matmuls:
            with onednn_matmuls:
                assert torch.get_float32_matmul_precision() == "medium"
            assert torch.get_float32_matmul_precision() == "medium"
        assert torch.get_float32_matmul_precision() == before

    def test_it_is_given_back_after_an_error(self) -> None:
        before = torch.get_float32_matmul_precision()
        with pytest.raises(ValueError, match="inside"), onednn_matmuls:
            raise ValueError("inside")
        assert torch.get_float32_matmul_precision() == before

    def test_where_onednn_rounds_it_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Some processors would multiply in bfloat16; a net that shows it is computed as it always was."""

        class Rounds(Net):
            def forward(self, samples: Tensor) -> Tensor:
                made = super().forward(samples)
                return made.bfloat16().float() if torch.get_float32_matmul_precision() == "medium" else made

        assert torch.equal(made(Rounds())(given()), Rounds()(given()))
