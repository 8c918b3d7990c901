#!/bin/sh
# The whole shop, started the way somebody else would, without chaoskit:
#
#   AMQP_URL=amqp://… sh start-shop.sh start     then: … start-shop.sh stop
#
# From the environment: PYTHON, SHOP_FOLDER (databases, logs, pidfile), ORDER_PORT, CUSTOMER_PORT, INVENTORY_PORT,
# PAYMENT_PORT, EMAIL_PORT; AMQP_URL for all or ORDER_AMQP_URL … for one; CUSTOMER_URL and BANK_URL, which is where
# order looks for customer and payment for the bank; SHOP_TIME_SCALE and SHOP_BROKEN.
set -eu

PYTHON=${PYTHON:-python3}
FOLDER=${SHOP_FOLDER:-/tmp/shop}
PIDFILE=$FOLDER/shop.pid
: "${ORDER_PORT:=8081}" "${CUSTOMER_PORT:=8082}" "${INVENTORY_PORT:=8083}" "${PAYMENT_PORT:=8084}" "${EMAIL_PORT:=8085}"
: "${CUSTOMER_URL:=http://127.0.0.1:$CUSTOMER_PORT}" "${BANK_URL:=http://127.0.0.1:$PAYMENT_PORT}"
export CUSTOMER_URL BANK_URL

begin() { # service port amqp-url
    PORT=$2 AMQP_URL=$3 DATABASE=$FOLDER/$1.sqlite "$PYTHON" -m "chaoskit.shop.$1" >"$FOLDER/$1.log" 2>&1 </dev/null &
    echo "$1 $!" >>"$PIDFILE"
}

is_ready() { # port
    "$PYTHON" -c "import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({})).open('http://127.0.0.1:' + sys.argv[1] + '/ready', timeout=1)" "$1" 2>/dev/null
}

start() {
    : "${AMQP_URL:?AMQP_URL is missing: the address of a RabbitMQ}"
    mkdir -p "$FOLDER"
    if [ -s "$PIDFILE" ]; then
        echo "$PIDFILE exists: the shop runs already, or 'stop' it first" >&2
        exit 1
    fi
    begin customer "$CUSTOMER_PORT" "$AMQP_URL"
    begin email "$EMAIL_PORT" "${EMAIL_AMQP_URL:-$AMQP_URL}"
    begin inventory "$INVENTORY_PORT" "${INVENTORY_AMQP_URL:-$AMQP_URL}"
    begin payment "$PAYMENT_PORT" "${PAYMENT_AMQP_URL:-$AMQP_URL}"
    begin order "$ORDER_PORT" "${ORDER_AMQP_URL:-$AMQP_URL}"
    for port in "$CUSTOMER_PORT" "$EMAIL_PORT" "$INVENTORY_PORT" "$PAYMENT_PORT" "$ORDER_PORT"; do
        tries=0
        until is_ready "$port"; do
            tries=$((tries + 1))
            if [ "$tries" -ge 100 ]; then
                echo "nothing is ready on port $port; see the logs in $FOLDER" >&2
                stop
                exit 1
            fi
            sleep 0.1
        done
    done
    echo "the shop is up: http://127.0.0.1:$ORDER_PORT"
}

stop() {
    [ -f "$PIDFILE" ] || return 0
    while read -r _ pid; do kill "$pid" 2>/dev/null || true; done <"$PIDFILE"
    while read -r service pid; do
        tries=0
        while kill -0 "$pid" 2>/dev/null; do
            tries=$((tries + 1))
            if [ "$tries" -ge 50 ]; then
                echo "$service does not end; killing it" >&2
                kill -9 "$pid" 2>/dev/null || true
                break
            fi
            sleep 0.1
        done
    done <"$PIDFILE"
    rm -f "$PIDFILE"
}

case ${1:-} in
    start) start ;;
    stop) stop ;;
    *) echo "usage: AMQP_URL=amqp://… $0 start|stop" >&2; exit 2 ;;
esac
