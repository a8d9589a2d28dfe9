"""The twin of every attack: nothing bent."""

from support.attack_world import World


def test_a_genuine_login_reaches_the_e_service(world: World) -> None:
    world.assert_logs_in()
