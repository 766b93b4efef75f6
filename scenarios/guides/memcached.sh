#!/usr/bin/env -S trenchrun shell
# Cilium's guide "Securing Memcached" on a cluster of its own: trenchrun shell scenarios/guides/memcached.sh
#
# The guide types Python at its prompt; here the lines come from standard input.

kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-memcached/memcd-sw-app.yaml
AWING_POD=$(kubectl get pods -l app=a-wing -o jsonpath='{.items[0].metadata.name}')
XWING_POD=$(kubectl get pods -l app=x-wing -o jsonpath='{.items[0].metadata.name}')
TRACKER_POD=$(kubectl get pods -l name=fleet-tracker -o jsonpath='{.items[0].metadata.name}')
SETXC="set xwing-coord 0 2400 16\r\n8893.34,234.3290\r\nquit\r\n"
GETXC="get xwing-coord \r\nquit\r\n"
GETAC="get awing-coord \r\nquit\r\n"
python() { pod=$1; shift; printf '%s\n' 'import bmemcached' 'client = bmemcached.Client(("memcached-server:11211", ))' "$@" | kubectl exec -i $pod -- python; }

# Everybody may do everything.
python $AWING_POD 'client.set("awing-coord","4309.432,918.980",time=2400)' 'client.get("awing-coord")'
kubectl exec $XWING_POD -- sh -c "echo -en \"$SETXC\" | nc memcached-server 11211"
kubectl exec $XWING_POD -- sh -c "echo -en \"$GETXC\" | nc memcached-server 11211"
python $TRACKER_POD 'client.get("awing-coord")' 'client.get("xwing-coord")'
kubectl exec $XWING_POD -- sh -c "echo -en \"$GETAC\" | nc memcached-server 11211"
python $AWING_POD 'client.get("xwing-coord")' 'client.set("xwing-coord","0.0,0.0",time=2400)' 'client.get("xwing-coord")'
python $AWING_POD 'client.set("xwing-coord","8893.34,234.3290",time=2400)'

# The policy.
kubectl create -f https://raw.githubusercontent.com/cilium/cilium/v1.13/examples/kubernetes-memcached/memcd-sw-security-policy.yaml
kubectl exec $XWING_POD -- sh -c "echo -en \"$GETAC\" | nc memcached-server 11211"
python $AWING_POD 'client.get("awing-coord")' 'client.get("xwing-coord")'
python $TRACKER_POD 'client.get("xwing-coord")' 'client.set("awing-coord","0.0,0.0",time=1200)'
kubectl exec $XWING_POD -- sh -c "echo -en \"$GETXC\" | nc memcached-server 11211"
SETXC="set xwing-coord 0 1200 16\r\n9854.34,926.9187\r\nquit\r\n"
kubectl exec $XWING_POD -- sh -c "echo -en \"$SETXC\" | nc memcached-server 11211"
kubectl exec $XWING_POD -- sh -c "echo -en \"$GETXC\" | nc memcached-server 11211"
python $AWING_POD 'client.set("awing-coord","9852.542,892.1318",time=1200)' 'client.get("awing-coord")'
python $TRACKER_POD 'client.get("awing-coord")' 'client.get("xwing-coord")'
hubble observe --type l7 --verdict DROPPED
kubectl exec -n kube-system ds/cilium -- cilium monitor -t l7 | grep Denied | head -2
