/**
 * Files on a local or a distributed file system behind one small interface, and what every reader
 * of them needs.
 */
@NullMarked
package org.sparkrnn.common.storage;

import org.jspecify.annotations.NullMarked;
