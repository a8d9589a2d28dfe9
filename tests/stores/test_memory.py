from datetime import timedelta

from support.store_values import SetClock

from broker.stores.memory import MemoryTransientStore


def test_it_believes_the_clock_it_was_given(set_clock: SetClock) -> None:
    store = MemoryTransientStore(set_clock)
    store.add("key", b"value", set_clock.now() + timedelta(seconds=10))
    assert not store.add("key", b"value", set_clock.now() + timedelta(seconds=10))
    set_clock.pass_time(10)
    assert store.add("key", b"value", set_clock.now() + timedelta(seconds=10))
