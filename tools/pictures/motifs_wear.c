#include "tools/pictures/pictures.h"

const struct motif motifs_wear[] = {{0}};
