from broker.vocabulary.collation import swedish_order


def test_names_stand_as_in_a_swedish_list() -> None:
    names = ["Östersund", "Zinkgruvan", "Åmål", "ale", "Ängelholm", "Éton", "Eda", "Ørsted", "Fagersta"]
    assert sorted(names, key=swedish_order) == [
        "ale",
        "Eda",
        "Éton",
        "Fagersta",
        "Zinkgruvan",
        "Åmål",
        "Ängelholm",
        "Ørsted",
        "Östersund",
    ]


def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert swedish_order("Å") == swedish_order("A\u030a")
