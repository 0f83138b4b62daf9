/* The gradients that every drawing may use: the light on a form (translucent black and white over any surface) and
 * shadows. Their ids are a letter for the form and a digit for the finish. */
#pragma once

extern const char forms_svg[];
