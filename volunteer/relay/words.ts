/**
 * Ordinary English nouns, such as shops, blogs and weekend projects have in their names. No word is about networks or
 * chat, and no word is rare. White space separates the words.
 */
const TEXT = `
acorn almond amber anchor apple apron apricot arch arrow aspen atlas attic autumn avocado
badge bakery balcony bamboo banjo barley barn basil basket beacon bean bear beech bell bench berry birch biscuit blanket blossom boat
book boot bottle bowl branch brass bread breeze brick brook broom brush bucket butter button
cabin cactus camel candle canoe canvas canyon carpet carrot castle cedar cello chair chalk cherry chestnut chimney cider cinema cinnamon
circle citrus clay cliff clock cloud clover coast coat cobalt cocoa coconut coffee collar comet compass cookie copper coral corner cotton
cove cricket crow crown cup curtain cushion cypress
daisy dawn deer desert desk diary dinner dolphin donkey door dough dragon drawer dress drum dune dusk
eagle easel echo elbow elm ember engine evening
falcon farm feather fern ferry fiddle field fig finch fjord flag flame flour flower flute fog forest fork fountain fox frost fruit
gallery garden garlic garnet ginger giraffe glacier glass globe glove goat gold goose grain grape grass gravel guitar gull
hammer hammock harbor harp harvest hazel hedge heron hill hive honey horizon horse hour house
iris island ivory ivy
jacket jam jar jasmine jewel juniper
kettle kitchen kite kitten kiwi
ladder lake lamp lantern lark laurel lavender leaf lemon lentil library lilac lily lime linen lion lizard lobster lotus lumber lunch
magnet mango maple marble market meadow melon mill mint mirror mitten moon morning moss mountain mulberry mushroom music mustard
napkin needle nest notebook nutmeg
oak oasis oat ocean olive onion opal orange orchard orchid otter oven owl oyster
paddle page paint palm panda paper parade park parrot pasta path peach peacock pear pearl pebble pelican pencil penguin pepper piano
picnic pigeon pillow pine pink plate plum pocket poem pond pony poppy porch potato pottery prairie pumpkin puzzle
quail quarry quartz quilt quince
rabbit radish rain raisin raven reef ribbon rice river robin rocket roof rose ruby rust
saddle saffron sage sail salad salmon salt sand sandal sapphire satin scarf school season seed shadow shell shelf shore silk silver
sketch sky slate sleeve slipper snow sofa song sparrow spice spinach spoon spring spruce squash stable stair star stone story straw
stream studio sugar summer sunday sunset swallow swan sweater
table tailor tea teapot theater thimble thistle thunder thyme tiger timber toast tomato topaz tower toy tractor trail train tree
trumpet tulip turnip turtle twig
umbrella uncle
valley vanilla vase velvet village vine violet violin
waffle wagon wall walnut water wave weaver week wheat wheel willow wind window winter wolf wood wool
yard yarn yellow
zebra zinc
`;

export const WORDS: readonly string[] = TEXT.trim().split(/\s+/);
