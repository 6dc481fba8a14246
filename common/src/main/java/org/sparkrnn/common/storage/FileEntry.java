package org.sparkrnn.common.storage;

/**
 * One entry of a directory.
 *
 * @param path the directory as it was asked for, a slash, and {@code name}
 * @param size bytes; 0 for a directory
 */
public record FileEntry(String path, String name, long size, boolean directory) {}
