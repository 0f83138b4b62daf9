#include "tools/pictures/pictures.h"

const struct motif motifs_outside[] = {{0}};
