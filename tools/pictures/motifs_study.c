#include "tools/pictures/pictures.h"

const struct motif motifs_study[] = {{0}};
