/* lab: what sealdropd and the sandboxed parser program sealdrop-lab say to each other over their socket.
 *
 * A question is u32be length and that many bytes (the beginning of a file); the answer is one byte of length and the media type.
 * Length 0: nothing could be told (the parser of these bytes was killed or failed). Answers come in the order of the questions. */
#ifndef SEALDROP_LAB_LAB_H
#define SEALDROP_LAB_LAB_H

#define LAB_PROGRAM "sealdrop-lab"
#define LAB_SNIFF_BYTES (64u * 1024)
#define LAB_TYPE_BYTES 127

#endif
