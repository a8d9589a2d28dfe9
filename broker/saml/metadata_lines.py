"""Which line of the original file an element of the canonical bytes came from.

Canonical bytes have other lines than the file: a start tag broken over ten lines is on one, the prolog is gone. But
they have the same elements in the same order, so the n-th element of the one is the n-th of the other.
"""

from array import array
from collections.abc import Callable

from lxml import etree

from broker.saml.metadata_names import ENTITIES, ENTITY


class OriginalLines:
    """The lines of every element of a document as it was handed in.

    `root` must have the elements of the canonical bytes: after verification it has, without the signature.
    """

    def __init__(self, root: etree._Element) -> None:
        self._lines = array("L")
        self._entities: list[int] = []
        for element in root.iter(etree.Element):
            if element.tag == ENTITY and is_entity(element):
                self._entities.append(len(self._lines))
            self._lines.append(element.sourceline or 0)

    def within(self, ordinal: int, entity: etree._Element) -> Callable[[etree._Element], int | None]:
        """The lines of the elements of `entity`, the `ordinal`-th entity of the document."""
        start = self._entities[ordinal]

        def line_of(element: etree._Element) -> int | None:
            for offset, one in enumerate(entity.iter(etree.Element)):
                if one is element:
                    return self._lines[start + offset] or None
            return None

        return line_of


def is_entity(element: etree._Element) -> bool:
    """Whether an EntityDescriptor is one of the document, and not something inside an extension."""
    return all(ancestor.tag == ENTITIES for ancestor in element.iterancestors())
