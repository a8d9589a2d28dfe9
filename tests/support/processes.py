"""Work done in forked processes, as the workers of a server are."""

import multiprocessing
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_processes(number: int, work: Callable[[int], T]) -> list[T]:
    """What `work(0)`, `work(1)`, … return, each in a forked process of its own, begun at the same moment."""
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    together = context.Barrier(number)

    def run(index: int) -> None:
        together.wait(30)
        try:
            answers.put((index, work(index), None))
        except BaseException as error:
            answers.put((index, None, repr(error)))
            raise

    children = [context.Process(target=run, args=(index,)) for index in range(number)]
    for child in children:
        child.start()
    found = {index: (value, error) for index, value, error in (answers.get() for _ in children)}
    for child in children:
        child.join(30)
    failed = {index: error for index, (_, error) in found.items() if error}
    assert not failed, failed
    return [found[index][0] for index in range(number)]
