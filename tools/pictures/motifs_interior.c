#include "tools/pictures/pictures.h"

const struct motif motifs_interior[] = {{0}};
