// SPDX-License-Identifier: Apache-2.0

import java.io.IOException;

/** How an engine ends: closed when it is told to, at once when the test that started it is gone. */
final class Life {
    private Life() {
    }

    /** Nothing is ever written to our standard input; it ends with the process that holds its other end. */
    static void endWithParent() {
        Thread watcher = new Thread(Life::waitForParent, "parent");
        watcher.setDaemon(true);
        watcher.start();
    }

    private static void waitForParent() {
        try {
            while (System.in.read() >= 0) {
                continue;
            }
        } catch (IOException gone) {
            // As good as its end.
        }
        Runtime.getRuntime().halt(1);
    }

    static void closeOnSignal(AutoCloseable node) {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    }

    private static void close(AutoCloseable node) {
        try {
            node.close();
        } catch (Exception failure) {
            failure.printStackTrace();
        }
    }
}
