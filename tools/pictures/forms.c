/* K is shade and W is light; the first number of a stop is its place, the second its strength. */
#include "tools/pictures/forms.h"

#define K(place, strength) "<stop offset='" #place "' stop-color='#1c110a' stop-opacity='" #strength "'/>"
#define W(place, strength) "<stop offset='" #place "' stop-color='#fffaf0' stop-opacity='" #strength "'/>"
#define LINEAR(id, from_to, stops) "<linearGradient id='" id "' " from_to ">" stops "</linearGradient>"
#define RADIAL(id, where, stops) "<radialGradient id='" id "' " where ">" stops "</radialGradient>"
#define ACROSS "x1='0' y1='0' x2='1' y2='0'"
#define DOWN "x1='0' y1='0' x2='0' y2='1'"
#define DIAGONAL "x1='0' y1='0' x2='1' y2='1'"

/* Laid out by hand: clang-format knows no lists of calls without commas. */
/* clang-format off */
#define MATT_CYLINDER                                                                                                  \
    K(0, .40)                                                                                                          \
    K(.07, .26) K(.18, .06) W(.22, .04) W(.34, .22) W(.42, .16) W(.54, 0) K(.56, .01) K(.74, .20) K(.91, .46)          \
        K(1, .36)
#define GLOSS_CYLINDER                                                                                                 \
    K(0, .42)                                                                                                          \
    K(.07, .24) K(.15, .06) W(.16, .04) W(.19, .20) W(.22, .62) W(.285, .66) W(.32, .22) W(.42, .08) W(.52, 0)         \
        K(.54, .01) K(.74, .22) K(.87, .40) W(.92, .02) W(.955, .16) K(1, .34)
#define METAL_CYLINDER                                                                                                 \
    K(0, .55)                                                                                                          \
    K(.06, .30) W(.12, .12) W(.20, .62) W(.27, .72) W(.34, .20) K(.42, .18) K(.56, .42) K(.68, .50) K(.76, .22)        \
        W(.83, .30) W(.88, .34) K(.94, .12) K(1, .50)
#define MATT_BALL W(0, .40) W(.22, .16) W(.42, .0) K(.43, 0) K(.68, .17) K(.9, .42) K(1, .50)
#define GLOSS_BALL W(0, .92) W(.07, .80) W(.12, .30) W(.26, .13) W(.44, 0) K(.45, 0) K(.7, .20) K(.9, .44) K(1, .38)
#define BALL_PLACE "cx='.36' cy='.27' fx='.36' fy='.27' r='.82'"

const char forms_svg[] =
    LINEAR("r0", ACROSS, MATT_CYLINDER)
    LINEAR("r1", ACROSS, GLOSS_CYLINDER)
    LINEAR("r2", ACROSS, METAL_CYLINDER)
    LINEAR("t0", DOWN, MATT_CYLINDER)
    LINEAR("t1", DOWN, GLOSS_CYLINDER)
    LINEAR("t2", DOWN, METAL_CYLINDER)
    RADIAL("b0", BALL_PLACE, MATT_BALL)
    RADIAL("b1", BALL_PLACE, GLOSS_BALL)
    RADIAL("b2", BALL_PLACE, GLOSS_BALL)
    LINEAR("f0", DIAGONAL, W(0, .20) W(.42, .02) K(.5, .0) K(1, .17))
    LINEAR("f1", DIAGONAL, W(0, .30) W(.24, .10) W(.27, .26) W(.40, .20) W(.43, .04) K(.5, .01) K(1, .20))
    LINEAR("f2", DIAGONAL, W(0, .42) W(.18, .12) K(.32, .10) W(.46, .34) W(.56, .24) K(.74, .16) W(.9, .12) K(1, .24))
    LINEAR("i0", "x1='.1' y1='0' x2='.85' y2='1'", K(0, .48) K(.42, .26) K(.72, .06) W(.80, .03) W(1, .24))
    LINEAR("i1", "x1='.1' y1='0' x2='.85' y2='1'", K(0, .46) K(.42, .22) K(.70, .05) W(.76, .06) W(.88, .40)
           W(1, .16))
    LINEAR("i2", "x1='.1' y1='0' x2='.85' y2='1'", K(0, .60) K(.30, .32) W(.44, .18) K(.58, .22) K(.7, .1)
           W(.86, .52) W(1, .2))
    LINEAR("s0", DOWN, K(0, .20) K(1, .36))
    LINEAR("s1", DOWN, K(0, .14) K(1, .36))
    LINEAR("s2", DOWN, K(0, 0) K(1, .42))
    RADIAL("o0", "cx='.4' cy='.34' r='.78'", W(0, .26) W(.4, .06) K(.55, .03) K(.84, .20) K(1, .40))
    RADIAL("o1", "cx='.4' cy='.34' r='.78'", W(0, .34) W(.4, .06) K(.55, .03) K(.84, .20) K(1, .40))
    RADIAL("o2", "cx='.4' cy='.34' r='.78'", W(0, .34) W(.4, .06) K(.55, .03) K(.84, .20) K(1, .40))
    RADIAL("cast", "cx='.5' cy='.5' r='.5'", K(0, .40) K(.35, .27) K(.62, .12) K(.84, .03) K(1, 0))
    RADIAL("touch", "cx='.5' cy='.5' r='.5'", K(0, .72) K(.80, .62) K(.90, .30) K(1, 0))
    RADIAL("glow", "cx='.5' cy='.5' r='.5'",
           "<stop offset='0' stop-color='#ffe2b0' stop-opacity='.85'/>"
           "<stop offset='.3' stop-color='#ffd79a' stop-opacity='.42'/>"
           "<stop offset='.65' stop-color='#ffcf8c' stop-opacity='.12'/>"
           "<stop offset='1' stop-color='#ffcf8c' stop-opacity='0'/>")
    RADIAL("pool", "cx='.40' cy='.34' r='.80'", W(0, .55) W(.35, .24) W(.62, .02) K(.64, .01) K(1, .13))
    LINEAR("sweep", DOWN, K(0, .03) K(.50, .07) K(.62, .045) W(.70, .05) W(.82, .13) W(1, .05))
    LINEAR("beamup", "x1='0' y1='1' x2='0' y2='0'",
           "<stop offset='0' stop-color='#ffe9c0' stop-opacity='.75'/>"
           "<stop offset='1' stop-color='#ffe2b0' stop-opacity='0'/>")
    LINEAR("beamdown", DOWN,
           "<stop offset='0' stop-color='#ffe9c0' stop-opacity='.75'/>"
           "<stop offset='1' stop-color='#ffe2b0' stop-opacity='0'/>");
/* clang-format on */
