"""What the generated instructions ask to write about, and plain sentences that say it.

A sentence has no comma, no digit, no abbreviation and no capital but its first letter: texts made
of them keep a constraint or break it by what is done to them, and never by accident.
"""

from collections.abc import Mapping

Sentences = tuple[str, ...]

TOPICS: Mapping[str, Sentences] = {
    "the sea": (
        "The sea is grey and loud in winter.",
        "Salt stays on your skin when you swim in it.",
        "Most of its floor has never been seen.",
        "Waves carry sand from one beach to the next.",
        "Fish and whales share the cold water below.",
        "At night the tide comes back without a sound.",
    ),
    "bread": (
        "Bread needs only flour and water and some salt.",
        "The dough must rest until it has doubled.",
        "A hot oven gives it a dark crust.",
        "Fresh bread fills the whole house with its smell.",
        "Old loaves make good soup or crumbs.",
        "Every village once had its own baker.",
    ),
    "a garden": (
        "A garden asks for patience more than for money.",
        "Seeds sleep in the soil until spring warms it.",
        "Bees visit the flowers from morning to evening.",
        "Weeds grow faster than anything you plant.",
        "In autumn the leaves become food for the roots.",
        "Water it early before the sun is high.",
    ),
    "trains": (
        "Trains carry many people with little energy.",
        "Steel wheels roll on steel rails.",
        "The first lines were built to move coal.",
        "A station clock decides when the journey begins.",
        "From the window you see the back of every town.",
        "Night trains save you a bed in a hotel.",
    ),
    "the moon": (
        "The moon turns the same face to us all month.",
        "Its light is the light of the sun.",
        "Dust covers the plains where people once walked.",
        "The tides follow the moon around the planet.",
        "Without air there is no wind and no sound.",
        "A thin moon sets soon after the sun.",
    ),
    "a library": (
        "A library lends what nobody could buy alone.",
        "Books stand in order so that they can be found.",
        "Children come for stories and stay for the quiet.",
        "The oldest volumes are kept in a cool room.",
        "A good librarian knows which book you mean.",
        "Every reader leaves the shelves a little changed.",
    ),
    "dogs": (
        "Dogs have lived with people for a very long time.",
        "A dog reads your face better than your words.",
        "Its nose tells it who was here before.",
        "Young dogs learn by play and by reward.",
        "Some dogs herd sheep and others find the lost.",
        "An old dog sleeps most of the day.",
    ),
    "rain": (
        "Rain begins as dust with a little water around it.",
        "Drops fall faster the larger they are.",
        "After a storm the air smells of earth.",
        "Roofs and streets send the rain to the river.",
        "Farmers watch the clouds more than the clock.",
        "A week of rain makes the hills green again.",
    ),
    "bicycles": (
        "Bicycles turn breakfast into distance.",
        "The chain moves power from the legs to the wheel.",
        "A low saddle makes every hill steeper.",
        "Children learn to ride in a single afternoon.",
        "In flat cities most people cycle to work.",
        "Oil the chain and it will last for years.",
    ),
    "tea": (
        "Tea is made of leaves and hot water.",
        "Green tea wants water that does not boil.",
        "Black leaves were left to wither and then rolled.",
        "A pot keeps the warmth better than a cup.",
        "Some people add milk and others add mint.",
        "The taste depends on the hill where it grew.",
    ),
}

LANGUAGES: Mapping[str, tuple[str, Sentences]] = {
    "de": (
        "German",
        (
            "Das Wasser ist kalt und der Wind kommt von der See.",
            "Wir gehen mit den Kindern in die Stadt und kaufen das Brot.",
            "Der Garten ist nicht groß und die Arbeit ist nie zu Ende.",
        ),
    ),
    "fr": (
        "French",
        (
            "La mer est froide et le vent vient de la côte.",
            "Nous allons dans la ville avec les enfants pour le pain.",
            "Le jardin est petit et il y a des fleurs dans la cour.",
        ),
    ),
    "es": (
        "Spanish",
        (
            "El mar es frío y el viento viene de la costa.",
            "Vamos a la ciudad con los niños por el pan.",
            "El jardín no es grande y las flores son de los vecinos.",
        ),
    ),
}
