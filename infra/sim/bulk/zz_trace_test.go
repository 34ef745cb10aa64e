package bulk
import ("testing";"time";"fmt")
func TestTrace(t *testing.T){
 var o Options
 for _,r:=range Runs(){ if r.Name=="provider down 1 h" {o=r.Options}}
 d,err:=newDrain(t.Context(),o); if err!=nil{t.Fatal(err)}
 d.loop.spawn(begin, func(){ last:=0; lr:=0; for d.loop.sleep(time.Minute){ if d.closing {return}; b:=map[string]int{}; mx:=0; for _,v:=range d.queue.ready { p:=d.queue.parcels[v.n]; b[fmt.Sprint(p.seq)]++; mx=max(mx,int(p.received))}
  t.Log(d.loop.now().Sub(begin), "sends",d.provider.sends-last,"refused",d.provider.refused, "recv",d.queue.receives-lr,"ready",b,"mx",mx,"current",d.provider.current); last=d.provider.sends; lr=d.queue.receives}})
 f,err:=d.run(); t.Log(f,err)
}
