"""The wish for a device becomes a device; running out of its memory costs speed, never the answer."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from musicclass_gui.engine import device
from musicclass_gui.engine.errors import EncoderError

if TYPE_CHECKING:
    from collections.abc import Sequence


@pytest.fixture
def cuda_devices(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> int:
    monkeypatch.setattr(device, "cuda_count", lambda: request.param)
    return int(request.param)


class TestResolve:
    @pytest.mark.parametrize("cuda_devices", [0], indirect=True)
    @pytest.mark.parametrize("setting", ["auto", "cpu"])
    def test_without_cuda_the_cpu_is_no_surprise(self, cuda_devices: int, setting: str) -> None:
        assert device.resolve(setting) == device.Device("cpu", "")

    @pytest.mark.parametrize("cuda_devices", [2], indirect=True)
    @pytest.mark.parametrize(
        ("setting", "name"), [("auto", "cuda:0"), ("cpu", "cpu"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:1", "cuda:1")]
    )
    def test_wishes_that_can_be_met(self, cuda_devices: int, setting: str, name: str) -> None:
        assert device.resolve(setting) == device.Device(name, "")

    @pytest.mark.parametrize(
        ("cuda_devices", "setting", "notice"),
        [
            (0, "cuda", "No CUDA device"),
            (0, "cuda:0", "No CUDA device"),
            (2, "cuda:2", "no CUDA device 2"),
            (2, "cuda:-1", "not a device"),
            (2, "cuda:", "not a device"),
            (2, "gpu", "not a device"),
            (2, "", "not a device"),
        ],
        indirect=["cuda_devices"],
    )
    def test_wishes_that_cannot_be_met_give_the_cpu_and_say_why(self, cuda_devices: int, setting: str, notice: str) -> None:
        resolved = device.resolve(setting)
        assert resolved.name == "cpu"
        assert notice in resolved.notice
        assert resolved.notice.endswith("the CPU is used.")

    def test_what_is_listed_can_be_chosen(self) -> None:
        assert device.names()[0] == "cpu"
        for name in device.names():
            assert device.resolve(name) == device.Device(name, "")

    def test_the_cpu_has_a_name_for_people(self) -> None:
        assert device.describe("cpu") == "CPU"

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    def test_a_cuda_device_has_its_makers_name(self) -> None:
        assert device.describe("cuda:0") == f"CUDA: {torch.cuda.get_device_name(0)}"


class Memory:
    """Doubles numbers in batches, and runs out of memory as a CUDA device would when a batch is larger than `room`."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches: list[int] = []
        self.notices: list[str] = []

    def run(self, items: Sequence[int]) -> list[int]:
        self.batches.append(len(items))
        if len(items) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [2 * item for item in items]

    def to_cpu(self, notice: str) -> None:
        self.notices.append(notice)
        self.room = 1000


def doubled(memory: Memory, count: int, batch: int) -> tuple[list[int], int]:
    results, fitted = device.run_halving(memory.run, range(count), batch=batch, to_cpu=memory.to_cpu)
    return [value for result in results for value in result], fitted


class TestRunHalving:
    def test_with_room_enough_the_batch_stays(self) -> None:
        memory = Memory(8)
        assert doubled(memory, 20, 8) == ([2 * i for i in range(20)], 8)
        assert memory.batches == [8, 8, 4]

    def test_it_halves_until_a_batch_fits_and_loses_nothing(self) -> None:
        memory = Memory(3)
        assert doubled(memory, 10, 16) == ([2 * i for i in range(10)], 2)
        assert memory.notices == []

    def test_when_not_even_one_fits_it_moves_to_the_cpu_once(self) -> None:
        memory = Memory(0)
        assert doubled(memory, 5, 4)[0] == [0, 2, 4, 6, 8]
        assert memory.notices == ["The CUDA device ran out of memory; the rest is done on the CPU."]

    def test_memory_lost_half_way_does_not_repeat_what_is_done(self) -> None:
        memory = Memory(4)

        def run(items: Sequence[int]) -> list[int]:
            memory.room = 4 if len(memory.batches) < 2 else 2
            return memory.run(items)

        results, fitted = device.run_halving(run, range(12), batch=4, to_cpu=memory.to_cpu)
        assert [value for result in results for value in result] == [2 * i for i in range(12)]
        assert fitted == 2

    def test_no_room_on_the_cpu_either_is_an_error_that_ends(self) -> None:
        memory = Memory(0)
        memory.to_cpu = memory.notices.append  # type: ignore[method-assign]  # moving frees nothing
        with pytest.raises(EncoderError, match="not enough memory"):
            doubled(memory, 3, 4)
        assert len(memory.notices) == 1

    def test_other_failures_are_not_taken_for_full_memory(self) -> None:
        def broken(items: Sequence[int]) -> list[int]:
            raise RuntimeError("shape mismatch")

        with pytest.raises(RuntimeError, match="shape mismatch"):
            device.run_halving(broken, range(3), batch=4, to_cpu=lambda _: None)

    def test_nothing_to_do_is_done(self) -> None:
        assert doubled(Memory(1), 0, 4) == ([], 4)


@pytest.mark.skipif(device.driver_present(), reason="NVIDIA's driver is here, so torch has to be asked")
def test_without_a_driver_the_devices_are_known_without_torch() -> None:
    code = "import sys; from musicclass_gui.engine import device; assert device.names() == ['cpu']; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_driver_is_what_torch_needs_for_a_device() -> None:
    assert device.driver_present() or not torch.cuda.is_available()
